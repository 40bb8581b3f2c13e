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


@pytest.mark.parametrize("name", list(QUESTIONS))
@pytest.mark.parametrize("venue", ["binance"])
async def test_ccxt_passes_against_an_emulator(venue: str, name: str) -> None:
    async with asyncio.timeout(20), through_ccxt(venue) as examinee:
        try:
            await ask(name, examinee)
        except NotApplicable as reason:
            pytest.skip(str(reason))
