"""The network in memory: its faults, its name service, and virtual time itself."""

from __future__ import annotations

import asyncio

import pytest

from kedge.model.instant import NS_PER_S
from kedge.venues.wire.dns import HOSTS_MAX, RememberingResolver, Unresolved
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer, NotSent
from kedge.venues.wire.memory import Fault, FaultKind, MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, Deadlock, VirtualClock, run
from kedge.venues.wire.websocket import Disconnected

REQUEST = HttpRequest("POST", "http://venue.test/order?a=1")


def world(latency_ms: int = 10) -> tuple[MemoryNetwork, list[HttpRequest]]:
    network = MemoryNetwork(latency_ms)
    seen: list[HttpRequest] = []

    async def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, {}, b"ok")

    async def talk(peer: Peer) -> None:
        while True:
            await peer.send(await peer.receive())

    network.serve_http("venue.test", answer)
    network.serve_websocket("venue.test", talk)
    return network, seen


@pytest.mark.parametrize(
    ("kind", "error", "arrived", "took_ms"),
    [
        (FaultKind.REFUSE, NotSent, 0, 0),
        (FaultKind.DROP_BEFORE, NoAnswer, 0, 1_000),
        (FaultKind.DROP_AFTER, NoAnswer, 1, 1_000),
        (FaultKind.RESET_BEFORE, NoAnswer, 0, 20),
        (FaultKind.RESET_AFTER, NoAnswer, 1, 20),
    ],
)
def test_each_fault_is_what_it_says_and_is_used_up(
    kind: FaultKind, error: type[Exception], arrived: int, took_ms: int
) -> None:
    async def main() -> None:
        network, seen = world()
        network.faults.append(Fault(kind, "/order"))
        begun = VirtualClock().monotonic_ns()
        with pytest.raises(error):
            await network.send(REQUEST, 1_000)
        assert (VirtualClock().monotonic_ns() - begun) // 1_000_000 == took_ms
        assert len(seen) == arrived
        assert (await network.send(REQUEST, 1_000)).body == b"ok"

    run(main())


def test_a_delay_may_outlast_the_patience_although_the_request_took_effect() -> None:
    async def main() -> None:
        network, seen = world()
        network.faults = [Fault(FaultKind.DELAY, delay_ms=5_000), Fault(FaultKind.DELAY, delay_ms=500)]
        with pytest.raises(NoAnswer):
            await network.send(REQUEST, 1_000)
        assert (await network.send(REQUEST, 1_000)).status == 200
        assert len(seen) == 2

    run(main())


def test_a_fault_strikes_where_it_is_told_to() -> None:
    async def main() -> None:
        network, _ = world()
        network.faults.append(Fault(FaultKind.REFUSE, "/cancel", times=2))
        assert (await network.send(REQUEST, 1_000)).status == 200
        for _ in range(2):
            with pytest.raises(NotSent):
                await network.send(HttpRequest("DELETE", "http://venue.test/cancel"), 1_000)

    run(main())


def test_a_half_open_connection_tells_nobody() -> None:
    async def main() -> None:
        network, _ = world()
        network.faults.append(Fault(FaultKind.HALF_OPEN, delay_ms=1_000))
        connection = await network.connect("ws://venue.test/")
        await connection.send("a")
        assert await connection.receive() == "a"
        await asyncio.sleep(2)
        await connection.send("b")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3_600):
                await connection.receive()

    run(main())


def test_a_cut_connection_is_over_on_both_sides() -> None:
    async def main() -> None:
        network, _ = world()
        connection = await network.connect("ws://venue.test/")
        network.connections[0].cut()
        with pytest.raises(Disconnected) as caught:
            await connection.receive()
        assert caught.value.code == 1006
        with pytest.raises(Disconnected):
            await connection.send("x")

    run(main())


def test_h42_names_that_are_known_outlive_the_name_service_for_a_while() -> None:
    async def main() -> None:
        network, _ = world()
        network.resolver = remembering = RememberingResolver(network, VirtualClock(), age_s_max=3_600)
        assert remembering.age_ns("venue.test") is None
        assert (await network.send(REQUEST, 1_000)).status == 200
        network.names_down = True
        await asyncio.sleep(3_000)
        assert (await network.send(REQUEST, 1_000)).status == 200
        assert 3_000 * NS_PER_S <= (remembering.age_ns("venue.test") or 0) < 3_001 * NS_PER_S
        await asyncio.sleep(700)
        with pytest.raises(NotSent):
            await network.send(REQUEST, 1_000)
        with pytest.raises(Disconnected):
            await network.connect("ws://venue.test/")
        with pytest.raises(Unresolved):
            await remembering.resolve("other.test")

    run(main())


def test_the_memory_of_names_is_bounded() -> None:
    class Anything:
        async def resolve(self, host: str) -> tuple[str, ...]:
            return (host,)

    async def main() -> None:
        remembering = RememberingResolver(Anything(), VirtualClock())
        for number in range(HOSTS_MAX + 1):
            await remembering.resolve(f"h{number}")
        assert remembering.age_ns("h0") is None
        assert remembering.age_ns("h1") == 0

    run(main())


def test_virtual_time_passes_only_when_nothing_can_run() -> None:
    async def main() -> list[str]:
        clock, heard = VirtualClock(), []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            heard.append(f"{name} at {clock.monotonic_ns() / NS_PER_S}")

        begun = clock.now_ns()
        await asyncio.gather(sleeper("day", 86_400), sleeper("hour", 3_600), sleeper("blink", 0.001))
        assert begun == START_NS
        assert clock.now_ns() - begun == 86_400 * NS_PER_S
        return heard

    assert run(main()) == ["blink at 0.001", "hour at 3600.0", "day at 86400.0"]


def test_where_nothing_can_ever_happen_that_is_said() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main())
