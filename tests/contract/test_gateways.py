"""One examination for every gateway: over the simulated venue here, over its emulator for each that has one."""

from __future__ import annotations

import pytest

from kedge.model.instrument import Instrument
from kedge.venues.contract.examine import QUESTIONS, ask
from kedge.venues.contract.examinee import NotApplicable
from kedge.venues.wire.virtual import run
from tests.contract.simulated import PERPETUAL, SPOT, SimulatedExaminee


@pytest.mark.parametrize("name", list(QUESTIONS))
@pytest.mark.parametrize("instrument", [PERPETUAL, SPOT], ids=["perpetual", "spot"])
def test_the_simulated_venue_passes(instrument: Instrument, name: str) -> None:
    async def main() -> None:
        await ask(name, SimulatedExaminee(instrument))

    try:
        run(main())
    except NotApplicable as reason:
        pytest.skip(str(reason))
