"""One examination for every gateway: over the simulated venue here, over its emulator for each that has one."""

from __future__ import annotations

import asyncio

import pytest

from kedge.model.instrument import Instrument
from kedge.venues.contract import orders, streams
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


async def test_ccxt_passes_against_an_emulator() -> None:
    """All questions to one gateway, for ccxt takes a second to begin; its streams are shown in tests/venues/ccxt."""
    failed = {}
    async with asyncio.timeout(120), through_ccxt("binance") as examinee:
        for number, name in enumerate(QUESTIONS):
            examinee.instance = f"exam{number}"
            try:
                if QUESTIONS[name] not in streams.QUESTIONS:
                    await ask(name, examinee)
            except (AssertionError, ValueError) as error:
                failed[name] = repr(error)
            except NotApplicable:
                assert name not in MUST, name
    assert failed == {}


#: What even a venue behind ccxt must be asked.
MUST = {question.__name__ for question in orders.QUESTIONS} - {
    "an_order_with_a_date_ends_on_it",
    "an_order_is_replaced",
}
