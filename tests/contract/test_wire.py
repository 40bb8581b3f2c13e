"""What every network does alike, the real one and the one in memory: one examination for both."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kedge.venues.wire.http import HttpRequest, NoAnswer, NotSent
from kedge.venues.wire.websocket import Disconnected
from tests.contract.wires import Scenario, Wire, in_memory, over_loopback

Play = Callable[[Scenario], None]


@pytest.fixture(params=[in_memory, over_loopback])
def play(request: pytest.FixtureRequest) -> Play:
    chosen: Play = request.param
    return chosen


def test_the_bytes_of_a_request_arrive_as_they_were_signed(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        query = "symbol=%EF%BC%91&x=a%2Bb&list=%5B%22A%22%5D&sig=a/b=&y=1.50"
        body = b'{"a": 1.10, "b":"\xc3\xa9"}'
        headers = (("X-Key", "k"), ("Content-Type", "application/json"))
        response = await wire.http.send(HttpRequest("POST", f"{wire.rest}/order?{query}", headers, body), 5_000)
        assert (response.status, response.body, response.headers["x-used"]) == (200, body, "3")
        (seen,) = wire.seen
        assert seen.method == "POST"
        assert seen.url.partition("?")[2] == query
        assert seen.body == body
        assert {name.lower(): value for name, value in seen.headers}["x-key"] == "k"

    play(scenario)


def test_an_answer_is_an_answer_whatever_its_status(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        teapot = await wire.http.send(HttpRequest("GET", f"{wire.rest}/teapot"), 5_000)
        assert (teapot.status, teapot.headers["retry-after"], teapot.body) == (418, "7", b'{"code":-1003}')
        moved = await wire.http.send(HttpRequest("GET", f"{wire.rest}/moved"), 5_000)
        assert moved.status == 302
        assert [each.url.rpartition("/")[2] for each in wire.seen] == ["teapot", "moved"]

    play(scenario)


def test_without_a_connection_nothing_was_sent(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        with pytest.raises(NotSent):
            await wire.http.send(HttpRequest("POST", f"{wire.nowhere}/order"), 5_000)

    play(scenario)


def test_a_request_that_left_and_got_no_answer_may_have_worked(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        with pytest.raises(NoAnswer) as caught:
            await wire.http.send(HttpRequest("POST", f"{wire.rest}/slow?signature=SECRETSIG"), 50)
        assert len(wire.seen) == 1
        assert "SECRETSIG" not in str(caught.value)

    play(scenario)


def test_a_closed_transport_sends_nothing(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        await wire.http.close()
        with pytest.raises(NotSent):
            await wire.http.send(HttpRequest("GET", f"{wire.rest}/time"), 5_000)
        with pytest.raises(Disconnected):
            await wire.websockets.connect(wire.ws)
        assert wire.seen == []

    play(scenario)


def test_messages_arrive_in_order_and_whole(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        connection = await wire.websockets.connect(f"{wire.ws}?streams=a/b")
        await connection.send("hällo")
        assert await connection.receive() == "hällo"
        await connection.send("burst")
        assert [await connection.receive() for _ in range(50)] == [str(number) for number in range(50)]
        await connection.send("binary")
        assert await connection.receive() == b"\x00\x01"
        await connection.close()

    play(scenario)


def test_what_was_sent_before_the_end_still_arrives_and_the_end_has_its_code(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        connection = await wire.websockets.connect(wire.ws)
        await connection.send("bye")
        assert await connection.receive() == "last"
        for _ in range(2):  # it is over for whoever asks, however often
            with pytest.raises(Disconnected) as caught:
                await connection.receive()
            assert caught.value.code == 4001
        with pytest.raises(Disconnected):
            await connection.send("too late")

    play(scenario)


def test_closing_twice_is_closing_once(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        connection = await wire.websockets.connect(wire.ws)
        await connection.close()
        await connection.close()
        with pytest.raises(Disconnected):
            await connection.receive()

    play(scenario)


def test_no_connection_is_a_disconnection_without_a_secret(play: Play) -> None:
    async def scenario(wire: Wire) -> None:
        url = wire.nowhere.replace("http", "ws")
        with pytest.raises(Disconnected) as caught:
            await wire.websockets.connect(f"{url}/ws?listenKey=SECRETKEY")
        assert caught.value.code == 1006
        assert "SECRETKEY" not in str(caught.value)

    play(scenario)
