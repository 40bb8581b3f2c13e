"""A trade id is known again while it is remembered, whatever came in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kedge.core.orders.repeats import Repeats

KEPT = 8
IDS = st.tuples(st.sampled_from(["BTC-USD", "ETH-USD"]), st.integers(0, 40).map(str))


@given(st.lists(IDS, max_size=200))
def test_the_latest_ids_are_always_known(told: list[tuple[str, str]]) -> None:
    repeats = Repeats(KEPT)
    fresh: list[tuple[str, str]] = []
    for key in told:
        known = repeats.seen(*key)
        assert known or key not in fresh[-KEPT + 1 :]
        assert not known or key in fresh
        if not known:
            fresh.append(key)
        assert len(repeats) <= 2 * KEPT


def test_an_id_belongs_to_its_symbol() -> None:
    repeats = Repeats(KEPT)
    assert not repeats.seen("BTC-USD", "1")
    assert not repeats.seen("ETH-USD", "1")
    assert repeats.seen("BTC-USD", "1")
    repeats.clear()
    assert not repeats.seen("BTC-USD", "1")
