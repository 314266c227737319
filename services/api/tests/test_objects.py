"""The object store behind its two kinds of adapters: what is written is read, what breaks off is not there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.api.tests.fake_s3 import FakeS3
from services.api.tests.fake_store import listening
from services.api.tests.streams import each
from sextant_api.blobstream.objects import Objects
from sextant_shared.contract.errors import NotFoundError, UnavailableError

MEBIBYTE = 1024 * 1024


@pytest.fixture
async def s3() -> AsyncIterator[tuple[FakeS3, Objects]]:
    """A bucket that speaks as S3 does, and the store in it."""
    bucket = FakeS3()
    async with listening(bucket) as port:
        options = {
            "aws_endpoint": f"http://127.0.0.1:{port}",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_region": "here",
        }
        yield bucket, Objects.at("s3://bucket/prefix", options)


@pytest.fixture(params=["folder", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """A store of each kind that can be had here."""
    if request.param == "folder":
        return Objects.at((tmp_path / "new" / "folder").as_uri(), {})
    if request.param == "memory":
        return Objects.at("memory:///", {})
    _, store = request.getfixturevalue("s3")
    assert isinstance(store, Objects)
    return store


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def content(objects: Objects, name: str) -> bytes:
    return b"".join([piece async for piece in await objects.read(name)])


@pytest.mark.parametrize("sizes", [[], [0], [1], [MEBIBYTE] * 12, [12 * MEBIBYTE]], ids=str)
async def test_what_is_written_is_read(objects: Objects, sizes: list[int]) -> None:
    pieces = [index.to_bytes() * size for index, size in enumerate(sizes)]

    written = await objects.write("name", each(*pieces))

    assert written == sum(sizes)
    assert await content(objects, "name") == b"".join(pieces)


async def test_a_large_object_is_read_in_pieces(objects: Objects) -> None:
    await objects.write("name", each(bytes(5 * MEBIBYTE + 1)))

    sizes = [len(piece) async for piece in await objects.read("name")]

    assert sum(sizes) == 5 * MEBIBYTE + 1
    assert max(sizes) <= 5 * MEBIBYTE + 1


@pytest.mark.parametrize("number", [1, 12])
async def test_what_breaks_off_is_not_there(objects: Objects, number: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(number):
            yield bytes(MEBIBYTE)
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        await objects.write("name", broken())

    with pytest.raises(NotFoundError):
        await objects.read("name")
    assert objects._folder is None or names(objects._folder) == []


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(objects: Objects) -> None:
    for name in ("one", "other"):
        await objects.write(name, each(b"x"))

    for _ in range(2):
        await objects.delete("one")

    with pytest.raises(NotFoundError):
        await objects.read("one")
    assert await content(objects, "other") == b"x"


async def test_in_s3_an_object_is_written_in_parts_below_the_prefix(s3: tuple[FakeS3, Objects]) -> None:
    bucket, objects = s3

    await objects.write("name", each(*[bytes(MEBIBYTE)] * 12))

    assert {key: len(content) for key, content in bucket.objects.items()} == {"prefix/name": 12 * MEBIBYTE}
    assert bucket.largest_body <= 6 * MEBIBYTE


async def test_in_s3_what_breaks_off_leaves_no_parts(s3: tuple[FakeS3, Objects]) -> None:
    bucket, objects = s3

    async def broken() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(MEBIBYTE)
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        await objects.write("name", broken())

    assert (bucket.uploads, bucket.objects) == ({}, {})


async def test_leftovers_of_one_upload_go_and_those_of_others_stay(tmp_path: Path) -> None:
    objects = Objects.at(tmp_path.as_uri(), {})
    for leftover in ("one#1", "one#2", "other#1"):
        (tmp_path / leftover).touch()

    await objects.delete("one")

    assert names(tmp_path) == ["other#1"]


async def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    options = {"aws_endpoint": "http://127.0.0.1:1", "aws_access_key_id": "k", "aws_secret_access_key": "s"}
    objects = Objects.at("s3://bucket/prefix", {**options, "aws_region": "here"})

    with pytest.raises(UnavailableError):
        await objects.write("name", each(b"x"))
    with pytest.raises(UnavailableError):
        await objects.read("name")
    with pytest.raises(UnavailableError):
        await objects.delete("name")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("nonsense", {}),
        ("folder/below", {}),
        ("file://host/folder", {}),
        ("file:folder", {}),
        ("http://store.test/", {}),
        ("s3://", {}),
        ("s3://bucket", {"nonsense": "1"}),
        ("az://container", {"azure_storage_account_key": "not base64!"}),
    ],
)
def test_an_impossible_store_is_refused_at_the_start(url: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"object store|folder is written"):
        Objects.at(url, options)


def test_what_is_said_of_an_impossible_store_keeps_its_secrets() -> None:
    with pytest.raises(ValueError, match="object store") as raised:
        Objects.at("s3://bucket", {"aws_secret_access_key": "hush", "nonsense": "hush"})

    assert "hush" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_name_in_a_url_may_be_escaped(tmp_path: Path) -> None:
    Objects.at((tmp_path / "with space").as_uri(), {})

    assert (tmp_path / "with space").is_dir()
