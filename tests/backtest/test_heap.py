"""The heap is as it was after a run, also one that failed, and nobody else's freeze is undone."""

from __future__ import annotations

import gc

import pytest

from kedge.backtest.heap import settled


def test_it_is_frozen_inside_and_not_after_even_where_the_run_fails() -> None:
    assert not gc.get_freeze_count()
    with settled():
        assert gc.get_freeze_count()
        with settled():  # a run inside a run
            pass
        assert gc.get_freeze_count()
    assert not gc.get_freeze_count()
    with pytest.raises(ValueError, match="in the run"), settled():
        raise ValueError("in the run")
    assert not gc.get_freeze_count()


def test_what_is_made_meanwhile_is_still_collected() -> None:
    class Node:
        alive = 0

        def __init__(self) -> None:
            self.me = self
            Node.alive += 1

        def __del__(self) -> None:
            Node.alive -= 1

    with settled():
        for _ in range(5):
            Node()
        gc.collect()
        assert Node.alive == 0
