"""One examination for every gateway: over the simulated venue here, over its emulator for each that has one."""

from __future__ import annotations

import asyncio

import pytest

from kedge.model.instrument import Instrument
from kedge.venues.contract.examine import QUESTIONS, ask
from kedge.venues.contract.examinee import NotApplicable
from kedge.venues.wire.virtual import run
from tests.contract.emulated import EmulatedExaminee
from tests.contract.simulated import PERPETUAL, SPOT, SimulatedExaminee
from tests.contract.through_ccxt import through_ccxt

EMULATED = ["binance", "binance-futures", "hyperliquid", "coinbase"]


@pytest.mark.parametrize("name", list(QUESTIONS))
@pytest.mark.parametrize("instrument", [PERPETUAL, SPOT], ids=["perpetual", "spot"])
def test_the_simulated_venue_passes(instrument: Instrument, name: str) -> None:
    async def main() -> None:
        await ask(name, SimulatedExaminee(instrument))

    try:
        run(main())
    except NotApplicable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", list(QUESTIONS))
@pytest.mark.parametrize("venue", EMULATED)
def test_a_gateway_passes_against_the_emulator_of_its_venue(venue: str, name: str) -> None:
    async def main() -> None:
        examinee = EmulatedExaminee(venue)
        await examinee.gateway.open()
        try:
            await ask(name, examinee)
        finally:
            await examinee.close()

    try:
        run(main())
    except NotApplicable as reason:
        pytest.skip(str(reason))


#: What the venues behind ccxt are not asked, because they say that they cannot do it; each takes every other question.
NOT_OF_ALL = {
    "an_order_with_a_date_ends_on_it",
    "a_dead_man_cancels",
    "an_order_is_amended",
    "an_end_is_not_amended",
    "an_amendment_counts_what_has_filled",
    "an_amendment_below_what_has_filled_gives_nothing_back",
    "a_lost_amendment_is_unknown_until_it_can_come_no_more",
    "a_lost_answer_to_an_amendment_is_unknown_and_resolved_by_asking",
}
_SPOT = {
    "a_perpetual_has_a_mark_price",
    "funding_is_in_order",
    "reducing_never_turns_a_position",
    "leverage_is_read_back",
}
THROUGH_CCXT = {
    "binance": _SPOT,
    "binanceusdm": {"an_order_is_replaced", "what_cannot_be_set_is_said"},
    "coinbase": _SPOT | {"an_order_is_replaced"},
}


@pytest.mark.parametrize("venue", list(THROUGH_CCXT))
async def test_ccxt_passes_against_an_emulator(venue: str) -> None:
    """All questions to one gateway, for ccxt takes a second to begin."""
    failed, skipped = {}, set()
    async with asyncio.timeout(180), through_ccxt(venue) as examinee:
        for number, name in enumerate(QUESTIONS):
            examinee.instance = f"exam{number}"
            try:
                await ask(name, examinee)
            except (AssertionError, ValueError) as error:
                failed[name] = repr(error)
            except NotApplicable:
                skipped.add(name)
    assert failed == {}
    assert skipped == NOT_OF_ALL | THROUGH_CCXT[venue]
