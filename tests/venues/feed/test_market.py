"""The feed against a toy venue that knows the truth, under virtual time and every misfortune."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import kedge
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.talk import BookStart, StreamRules
from kedge.venues.wire.memory import Fault, FaultKind
from kedge.venues.wire.virtual import VirtualClock, run
from tests.venues.feed.toy import RULES, Client, ToyVenue, busy, settle

Scene = Callable[[ToyVenue, Client], Awaitable[None]]


def play(scene: Scene, rules: StreamRules = RULES, seed: int = 1, first_delay_ms: int = 0) -> None:
    async def main() -> None:
        venue = ToyVenue(VirtualClock(), seed)
        venue.network.faults.append(Fault(FaultKind.DELAY, delay_ms=first_delay_ms))
        await venue.update()
        client = Client(venue, rules)
        await client.feed.start()
        await scene(venue, client)
        await client.feed.stop()
        assert not any(client.up.values())

    run(main())


def test_a_busy_market_is_known_to_the_last_update() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        assert client.trades == venue.trades
        told = [(each.channel, each.up) for each in client.statuses]
        assert told == [("book", False), ("trade", True), ("book", True)]

    play(scene)


def test_the_product_has_it_at_the_top() -> None:
    assert kedge.MarketDataFeed is MarketDataFeed


def test_h33_a_gap_takes_the_book_down_at_once_and_a_snapshot_heals_it() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        await venue.update(lose=True)
        await venue.update()
        await asyncio.sleep(0.03)
        assert client.statuses[-1].up is False
        assert "sequence gap" in client.statuses[-1].reason
        await settle(venue, client)
        assert client.trades == venue.trades

    play(scene)


def test_a_snapshot_that_is_too_old_is_asked_for_again() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        await venue.update()
        await venue.update(lose=True)
        venue.snapshot_age = 10_000
        await busy(venue, 3)
        assert not client.up["book"]
        venue.snapshot_age = 0
        await settle(venue, client)

    play(scene)


def test_h18_a_snapshot_that_fails_is_no_empty_book() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        venue.snapshots_fail = 3
        await venue.update(lose=True)
        await busy(venue, 1)
        assert not client.up["book"]
        assert "HTTP 502" in client.feed.last_error
        await settle(venue, client)

    play(scene)


@pytest.mark.parametrize("kind", ["close", "cut", "half open"])
def test_h35_a_lost_connection_is_told_at_once_or_when_it_is_silent_and_mended(kind: str) -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        told = len(client.statuses)
        await venue.end(kind)
        await busy(venue, 0.2 if kind != "half open" else 6)
        assert not client.statuses[told].up
        assert ("closed" if kind != "half open" else "silent for 5") in client.statuses[told].reason
        await settle(venue, client)
        assert client.up == {"book": True, "trade": True}

    play(scene)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("first_delay_ms", [0, 400])
def test_a_session_is_rolled_before_its_end_without_a_gap_or_a_repeat(seed: int, first_delay_ms: int) -> None:
    """The two connections cut the updates differently, and what is under way on the slower one is not lost."""
    rules = structs.replace(RULES, session_ms=60_000, roll_before_ms=20_000)

    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        statuses = len(client.statuses)
        await busy(venue, 60)
        await settle(venue, client)
        assert len(venue.network.connections) == 2
        assert client.trades == venue.trades
        assert client.statuses[statuses:] == []

    play(scene, rules, seed, first_delay_ms)


def test_h35_a_book_that_was_silent_is_resynchronized_although_nothing_is_missing() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        for _ in range(70):
            await venue.trade()
            await venue.clock.sleep(0.1)
        assert client.up == {"book": False, "trade": True}
        await settle(venue, client)

    play(scene)


def test_a_venue_that_says_it_leaves_is_left_first() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        statuses = len(client.statuses)
        await venue.say('{"leaving":"maintenance"}')
        await settle(venue, client)
        await busy(venue, 5)
        assert len(venue.network.connections) == 2
        assert client.statuses[statuses:] == []
        assert client.trades == venue.trades[: len(client.trades)]

    play(scene)


def test_h35_one_silent_channel_is_down_although_the_others_speak() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        venue.silent_channels.add("book")
        await busy(venue, 7)
        assert client.up == {"book": False, "trade": True}
        assert client.statuses[-1].reason.startswith("silent for 5")
        await busy(venue, 20)  # the line is renewed, again and again; that alone does not make the book believed
        assert client.up == {"book": False, "trade": True}
        assert len(venue.network.connections) > 2
        venue.silent_channels.clear()
        await settle(venue, client)
        assert client.trades == venue.trades

    play(scene)


def test_what_the_venue_says_was_lost_is_not_believed() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        await venue.say('{"lost":1}')
        await asyncio.sleep(0.03)
        assert client.up == {"book": False, "trade": True}
        await settle(venue, client)

    play(scene)


def test_what_cannot_be_read_is_counted_and_the_rest_goes_on() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        await venue.say("<html>")
        await settle(venue, client)
        assert client.feed.breaches == 1

    play(scene)


def test_a_ping_of_the_venue_is_answered_and_the_line_is_kept_alive() -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        await venue.say('{"ping":"abc"}')
        await busy(venue, 45)
        assert {"pong": "abc"} in venue.heard
        assert venue.heard.count({"alive": 1}) == 2

    play(scene)


def test_a_book_that_begins_with_the_stream_is_begun_again_after_a_gap() -> None:
    rules = structs.replace(RULES, book_start=BookStart.STREAM)

    async def scene(venue: ToyVenue, client: Client) -> None:
        await settle(venue, client)
        await venue.update(lose=True)
        await venue.update()
        await asyncio.sleep(0.03)
        assert client.up["book"] is False
        await settle(venue, client)

    play(scene, rules)


@given(st.lists(st.sampled_from(["busy", "lose", "twice", "close", "cut", "half", "fail", "old", "mute", "leave", "lost"]),
                max_size=12), st.integers(0, 2**16))  # fmt: skip
def test_h33_h35_whatever_happens_no_book_that_is_up_is_ever_wrong_and_all_heals(plot: list[str], seed: int) -> None:
    async def scene(venue: ToyVenue, client: Client) -> None:
        for turn in plot:
            if turn == "lose":
                await venue.update(lose=True)
            elif turn == "twice":
                await venue.update(twice=True)
                await venue.trade(twice=True)
            elif turn in {"close", "cut", "half"}:
                await venue.end(turn)
            elif turn == "fail":
                venue.snapshots_fail = 2
            elif turn == "old":
                venue.snapshot_age = 5
            elif turn == "mute":
                venue.silent_channels = {"book"}
            elif turn == "leave":
                await venue.say('{"leaving":"x"}')
            elif turn == "lost":
                await venue.say('{"lost":1}')
            await busy(venue, Random(seed).choice([0.2, 1, 4]), 0.2)
            client.check()
        venue.snapshot_age, venue.snapshots_fail = 0, 0
        venue.silent_channels.clear()
        await settle(venue, client)
        assert len(set(client.trades)) == len(client.trades), "a trade was told twice"

    play(scene, seed=seed)
