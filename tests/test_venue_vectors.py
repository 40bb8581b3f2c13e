"""The vectors that were handed over: each is used, none fails, and what is not applicable is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venue_vectors import VENUES, run_directory
from tests.venue_vectors.runner import cases_of, handlers_of


@pytest.mark.parametrize("venue", VENUES)
def test_no_case_fails(shared: Path, venue: str) -> None:
    if not handlers_of(venue):
        pytest.skip(f"tests/venue_vectors/{venue}.py does not exist")
    results = run_directory(shared / "venues" / "vectors", venues=(venue,))
    failures = [f"{result.file} {failure}" for result in results for failure in result.failed]
    assert failures == []
    assert sum(result.passed for result in results) > 50


def test_every_case_names_a_venue_and_a_format(shared: Path) -> None:
    folder = shared / "venues" / "vectors"
    nameless = [
        f"{path.stem} {case.name}"
        for path in sorted(folder.glob("*.json"))
        for case in cases_of(path)
        if not (case.venue and case.format)
    ]
    assert nameless == []
