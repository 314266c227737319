"""Pins the image of a task to what a store has reviewed."""

from dataclasses import dataclass
from typing import Any, Final

from sextant_api.stores.client import Caller, StoreAddress, StoreClient
from sextant_api.stores.errors import AlgorithmNotInStoreError

_DIGEST: Final = "@"


@dataclass(frozen=True)
class PinnedImage:
    """An image as a store has it.

    Attributes:
        image: with the digest, if the store knows it.
        is_pinned: whether it does.
    """

    image: str
    is_pinned: bool


async def pin(client: StoreClient, store: StoreAddress, caller: Caller, image: str) -> PinnedImage:
    """Ask a store for the digest of an image.

    Raises:
        AlgorithmNotInStoreError: it has no such image, or another version of it than was asked for.
        BadRequestError: it is not asked, does not answer or refuses.
    """
    found = await client.ask(store, caller, "GET", "algorithm", params={"image": image})
    algorithm = _first(found)
    if algorithm is None:
        raise AlgorithmNotInStoreError("The algorithm store does not have this image")
    name, digest = algorithm
    if not digest:
        return PinnedImage(image, is_pinned=False)
    _, _, wanted = image.partition(_DIGEST)
    if wanted not in ("", digest):
        raise AlgorithmNotInStoreError("The algorithm store has another version of this image")
    return PinnedImage(f"{name.partition(_DIGEST)[0]}{_DIGEST}{digest}", is_pinned=True)


def _first(found: Any) -> tuple[str, str] | None:
    """The first image that is listed, and its digest; an empty one is none."""
    listed = found.get("data") if isinstance(found, dict) else None
    algorithm = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(algorithm, dict):
        return None
    image, digest = algorithm.get("image"), algorithm.get("digest")
    return (image, digest if isinstance(digest, str) else "") if isinstance(image, str) and image else None
