"""The limiter under virtual time, against the one thing that matters: what left in any window, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kedge
from kedge.model.errors import ConfigError, OurBug
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.limiter import ExchangeRateLimiter, RateLimited, RateRule, Urgency
from kedge.venues.wire.virtual import VirtualClock, run

SECOND = NS_PER_S


def test_a_quarter_of_the_limit_is_never_used() -> None:
    async def main() -> list[int]:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(8, 1, clock=clock)
        left = []
        for _ in range(13):
            await limiter.acquire()
            left.append(clock.monotonic_ns())
        return left

    assert run(main()) == [0] * 6 + [SECOND] * 6 + [2 * SECOND]


def test_the_product_has_it_at_the_top() -> None:
    assert kedge.ExchangeRateLimiter is ExchangeRateLimiter


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(list(Urgency)), st.integers(1, 5), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_c08_no_window_ever_holds_more_than_the_budget(asked: list[tuple[int, Urgency, int, bool]]) -> None:
    rules = (RateRule("weight", 16, 1_000), RateRule("orders", 8, 700), RateRule("day", 50, 20_000))

    async def main() -> list[tuple[int, Urgency, dict[str, int]]]:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules(rules, clock)
        left: list[tuple[int, Urgency, dict[str, int]]] = []

        async def ask(urgency: Urgency, costs: dict[str, int]) -> None:
            await limiter.acquire(costs, urgency)
            left.append((clock.monotonic_ns(), urgency, costs))

        tasks = []
        for delay_ms, urgency, weight, is_order in asked:
            await clock.sleep(delay_ms / 1000)
            costs = {"weight": weight, **({"orders": 1, "day": 1} if is_order else {})}
            tasks.append(asyncio.create_task(ask(urgency, costs)))
        await asyncio.gather(*tasks)
        return left

    left = run(main())
    assert len(left) == len(asked)  # nobody is left out
    for rule in rules:
        spent = [(at, costs[rule.name], urgency) for at, urgency, costs in left if rule.name in costs]
        for end, _, _ in spent:
            window = [each for each in spent if end - rule.window_ms * NS_PER_MS < each[0] <= end]
            assert sum(cost for _, cost, _ in window) <= rule.budget <= rule.limit * Decimal("0.75")
            others = [(at, cost) for at, cost, urgency in window if urgency is not Urgency.EXIT]
            assert sum(cost for _, cost in others) <= rule.open_budget


@given(st.integers(1, 40), st.integers(1, 5))
def test_c08_an_exit_waits_for_no_order(orders: int, exits: int) -> None:
    async def main() -> tuple[list[int], list[int]]:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 40, 1_000)], clock)
        done: dict[Urgency, list[int]] = {Urgency.ORDER: [], Urgency.EXIT: []}

        async def ask(urgency: Urgency) -> None:
            await limiter.acquire(1, urgency)
            done[urgency].append(clock.monotonic_ns())

        tasks = [asyncio.create_task(ask(Urgency.ORDER)) for _ in range(orders)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(ask(Urgency.EXIT)) for _ in range(exits)]
        await asyncio.gather(*tasks)
        return done[Urgency.ORDER], done[Urgency.EXIT]

    _, left = run(main())
    assert left == [0] * exits  # 30 in all, 24 for orders: up to 6 exits find room whatever the orders do


def test_c08_exits_that_must_wait_go_before_orders_that_waited_longer() -> None:
    async def main() -> list[str]:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 4, 1_000, Decimal(0), Decimal(0))], clock)
        order: list[str] = []

        async def ask(name: str, urgency: Urgency) -> None:
            await limiter.acquire(1, urgency)
            order.append(name)

        tasks = [asyncio.create_task(ask(f"order {n}", Urgency.ORDER)) for n in range(8)]
        await clock.sleep(0.5)
        tasks += [asyncio.create_task(ask(f"exit {n}", Urgency.EXIT)) for n in range(4)]
        await asyncio.gather(*tasks)
        return order

    assert run(main())[4:8] == ["exit 0", "exit 1", "exit 2", "exit 3"]


def test_light_requests_do_not_starve_a_heavy_one() -> None:
    async def main() -> int:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(10, 1, headroom=Decimal(0), clock=clock)

        async def light(phase: int) -> None:  # the window never empties by itself
            await clock.sleep(phase / 10)
            while clock.monotonic_ns() < 20 * SECOND:
                await limiter.acquire(1)
                await clock.sleep(0.95)

        crowd = [asyncio.create_task(light(phase)) for phase in range(10)]
        await clock.sleep(3)
        await limiter.acquire(10)
        done = clock.monotonic_ns()
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return done

    assert run(main()) <= 5 * SECOND


def test_a_rule_that_is_used_up_does_not_stop_those_who_need_others() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("orders", 1, 60_000), RateRule("weight", 100, 60_000)], clock)
        await limiter.acquire({"orders": 1})
        waits = asyncio.create_task(limiter.acquire({"orders": 1}))
        await asyncio.sleep(0)
        await limiter.acquire({"weight": 1}, Urgency.MARKET)
        assert clock.monotonic_ns() == 0
        await waits
        assert clock.monotonic_ns() == 60 * SECOND

    run(main())


def test_after_a_ban_nothing_leaves_before_its_time_and_a_shorter_stop_does_not_shorten_it() -> None:
    async def main() -> list[int]:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(1_000, 1, clock=clock)
        begun = clock.now_ns()
        limiter.stop(begun + 120 * SECOND)
        limiter.stop(begun + 3 * SECOND)
        assert limiter.stopped_until == begun + 120 * SECOND
        left: list[int] = []

        async def ask(urgency: Urgency) -> None:
            await limiter.acquire(1, urgency)
            left.append(clock.now_ns() - begun)

        waiting = [asyncio.create_task(ask(urgency)) for urgency in Urgency]
        await clock.sleep(60)
        limiter.stop(begun + 180 * SECOND)  # it grows while they wait
        await asyncio.gather(*waiting)
        assert limiter.stopped_until == 0
        return left

    assert run(main()) == [180 * SECOND] * 4


def test_the_venue_word_counts_where_it_is_more_than_ours() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 100, 60_000, Decimal(0), Decimal(0))], clock)
        await limiter.acquire(10)
        limiter.learn("weight", 95)
        limiter.learn("weight", 3)  # the venue's window began anew, ours did not
        limiter.learn("unheard-of", 10**9)
        assert limiter.used("weight") == 95
        await limiter.acquire(5)
        assert clock.monotonic_ns() == 0
        await limiter.acquire(1)
        assert clock.monotonic_ns() == 60 * SECOND

    run(main())


def test_what_would_wait_too_long_is_refused_with_the_time_to_try_again() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(4, 10, clock=clock)
        for _ in range(3):
            await limiter.acquire()
        with pytest.raises(RateLimited, match="10000 ms more") as caught:
            await limiter.acquire(wait_ms_max=9_999)
        assert caught.value.retry_at == clock.now_ns() + 10 * SECOND
        assert (limiter.waiting, clock.monotonic_ns()) == (0, 0)
        limiter.stop(clock.now_ns() + 90 * SECOND)
        with pytest.raises(RateLimited, match="the venue stopped us for 90000 ms more"):
            await limiter.acquire(urgency=Urgency.EXIT, wait_ms_max=1_000)

    run(main())


def test_whoever_is_overtaken_for_too_long_is_refused_and_counts_nothing() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(1, 1, clock=clock)
        await limiter.acquire()
        first = [asyncio.create_task(limiter.acquire(urgency=Urgency.EXIT)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited, match="others went first"):
            await limiter.acquire(wait_ms_max=1_500)
        await asyncio.gather(*first)
        assert clock.monotonic_ns() == 3 * SECOND
        assert limiter.waiting == 0

    run(main())


def test_whoever_gives_up_leaves_the_queue_and_the_next_moves_up() -> None:
    async def main() -> int:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter(2, 1, headroom=Decimal(0), clock=clock)
        await limiter.acquire()
        heavy = asyncio.create_task(limiter.acquire(2))
        await asyncio.sleep(0)
        light = asyncio.create_task(limiter.acquire(1))
        await asyncio.sleep(0)
        heavy.cancel()
        await light
        return clock.monotonic_ns()

    assert run(main()) == 0


@given(st.lists(st.integers(0, 40), min_size=1, max_size=400))
def test_memory_is_bounded_and_the_count_is_never_below_the_truth(gaps_ms: Sequence[int]) -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 10**9, 1_000)], clock)
        left: list[int] = []
        for gap in gaps_ms:
            await clock.sleep(gap / 1000)
            await limiter.acquire()
            left.append(clock.monotonic_ns())
            truth = sum(1 for at in left if at > left[-1] - SECOND)
            assert limiter.used("weight") >= truth
        for before, after in pairwise(left):
            assert before <= after

    run(main())


def test_rules_that_make_no_sense_are_refused() -> None:
    async def main() -> None:
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 8, 1_000)], VirtualClock())
        with pytest.raises(ConfigError, match="costs 7 of rule weight; at most 6"):
            await limiter.acquire(7, Urgency.EXIT)
        with pytest.raises(ConfigError, match="costs 5 of rule weight; at most 4"):
            await limiter.acquire(5)
        with pytest.raises(OurBug, match="known are weight"):
            await limiter.acquire({"wieght": 1})

    run(main())
    with pytest.raises(ConfigError, match="0 in 1000 ms"):
        RateRule("weight", 0, 1_000)
    with pytest.raises(ConfigError, match=r"headroom is 1;"):
        RateRule("weight", 1, 1_000, headroom=Decimal(1))


def test_new_figures_of_a_rule_keep_what_is_used() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 8, 1_000)], clock)
        await limiter.acquire(4)
        limiter.set_rule(RateRule("weight", 16, 1_000))
        assert limiter.used("weight") == 4
        await limiter.acquire(5)
        assert clock.monotonic_ns() == 0

    run(main())


def test_a_rule_that_becomes_too_small_for_who_waits_does_not_let_it_go() -> None:
    async def main() -> None:
        clock = VirtualClock()
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 20, 1_000)], clock)
        await limiter.acquire(12)
        heavy = asyncio.create_task(limiter.acquire(10, wait_ms_max=5_000))
        await asyncio.sleep(0)
        limiter.set_rule(RateRule("weight", 8, 1_000))
        with pytest.raises(RateLimited):
            await heavy
        assert clock.monotonic_ns() == 5 * SECOND
        await limiter.acquire(4)

    run(main())
