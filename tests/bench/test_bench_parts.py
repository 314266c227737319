"""The benchmark's own arithmetic and its client, which everything else rests on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from bench.cpu import CpuSeconds
from bench.http_client import Connection, WrongAnswerError
from bench.loop import ExhaustedError, Measurement, closed_loop, paced
from bench.node_socket import Heard

NO_CPU = CpuSeconds({})


# -- statistics ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_a_percentile_is_the_value_of_its_rank(percent: float, expected: float) -> None:
    assert expected == Measurement(samples=[float(number) for number in range(100, 0, -1)]).percentile(percent)


def test_one_sample_is_every_percentile_and_none_is_no_percentile() -> None:
    assert [Measurement(samples=[7.0]).percentile(percent) for percent in (0, 50, 99)] == [7.0, 7.0, 7.0]
    assert Measurement().percentile(50) is None


async def test_a_closed_loop_counts_what_was_done_after_the_warm_up() -> None:
    done = 0

    async def step() -> None:
        nonlocal done
        done += 1
        await asyncio.sleep(0.001)

    measured = await closed_loop([step] * 3, warm_up=0.05, seconds=0.1, cpu=NO_CPU)

    assert 0 < measured.requests < done
    assert 0 < len(measured.samples) <= measured.requests
    assert measured.seconds > 0


async def test_a_closed_loop_goes_on_after_an_error_and_counts_it() -> None:
    turns = iter([WrongAnswerError("500 instead of 200"), TimeoutError("slow"), ConnectionError("lost")])

    async def step() -> None:
        await asyncio.sleep(0)
        for error in turns:
            raise error

    measured = await closed_loop([step], warm_up=0, seconds=0.3, cpu=NO_CPU)

    assert measured.errors.total() == 3
    assert measured.requests > 0


async def test_a_client_without_work_leaves_the_others_alone() -> None:
    async def nothing() -> None:
        raise ExhaustedError

    async def step() -> list[float]:
        await asyncio.sleep(0.001)
        return [1.0, 2.0]

    measured = await closed_loop([nothing, step], warm_up=0, seconds=0.05, cpu=NO_CPU)

    assert measured.requests > 0
    assert measured.samples == [1.0, 2.0] * measured.requests


async def test_a_pace_is_kept_whether_the_last_is_done_or_not() -> None:
    running = most = 0

    async def step() -> list[float]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return [0.05]

    measured = await paced(step, per_second=100, seconds=0.1, cpu=NO_CPU)

    assert measured.requests == 10
    assert most > 1


async def test_what_was_heard_before_it_was_asked_for_counts() -> None:
    heard = Heard()
    heard.note(1)
    waiting = asyncio.create_task(heard.times(1, 2))
    await asyncio.sleep(0)
    assert not waiting.done()

    heard.note(2)
    heard.note(1)

    first, second = await waiting
    assert first <= second


# -- the client ------------------------------------------------------------------------------------


@asynccontextmanager
async def connected(*answers: bytes) -> AsyncIterator[tuple[Connection, list[bytes]]]:
    """A connection to a server that gives these answers; each is written in two pieces."""
    seen: list[bytes] = []
    remaining = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                seen.append(head + await reader.readexactly(length))
                answer = next(remaining)
                for piece in (answer[:20], answer[20:]):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if b"connection: close" in answer.lower() or not answer:
                    return

    serving: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    connection = Connection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        yield connection, seen
        connection.close()
        await asyncio.gather(*serving)


def answer(status: str, body: bytes, *headers: bytes) -> bytes:
    head = [f"HTTP/1.1 {status}".encode(), b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def test_one_connection_serves_request_after_request() -> None:
    async with connected(answer("200 OK", b'{"a": 1}'), answer("201 Created", b"[]" * 50_000)) as (http, seen):
        first = await http.request("GET", "/thing?x=1", token="t")
        second = await http.request("POST", "/thing", body=b"{}")

    assert (first.status, first.json()) == (200, {"a": 1})
    assert (second.status, len(second.body)) == (201, 100_000)
    assert seen[0].startswith(b"GET /thing?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"authorization: Bearer t\r\n" in seen[0]
    assert seen[1].endswith(b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}")


async def test_a_connection_that_was_closed_is_opened_again() -> None:
    async with connected(answer("200 OK", b"1", b"Connection: close"), answer("200 OK", b"2")) as (http, _):
        assert [(await http.request("GET", "/")).body for _ in range(2)] == [b"1", b"2"]


async def test_a_connection_that_is_lost_before_the_answer_is_an_error() -> None:
    async with connected(b"") as (http, _):
        with pytest.raises(ConnectionError):
            await http.request("GET", "/")


async def test_another_status_than_expected_is_an_error_that_shows_the_answer() -> None:
    async with connected(answer("503 Service Unavailable", b'{"msg": "away"}')) as (http, _):
        with pytest.raises(WrongAnswerError, match=r"503 instead of 200.*away"):
            await http.get("/")
