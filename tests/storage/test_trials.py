"""The registry of trials: nothing is lost between processes, nothing damaged is believed, nothing is counted twice."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import WorldError
from kedge.storage import trials
from kedge.storage.trials import FORMAT, Trial, TrialRegistry, TrialRun, data_id, trial_id


def run(data: str = "d", *ids: str, sharpe: str = "0.1", strategy: str = "s") -> TrialRun:
    return TrialRun(
        FORMAT, "2026-01-01T00:00:00Z", data, "backtest", strategy, 100, tuple(Trial(i, sharpe) for i in ids)
    )


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from("123456"), max_size=4)), max_size=8))
def test_a_tally_counts_different_trials_of_one_set_of_data(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, list[str]]]
) -> None:
    registry = TrialRegistry(tmp_path_factory.mktemp("registry") / "new")
    for data, ids in made:
        registry.note([run(data, *ids)])
    for data in "ab":
        own = [ids for which, ids in made if which == data]
        tally = registry.tally(data)
        assert (tally.runs, tally.trials) == (len(own), len({each for ids in own for each in ids}))
    assert [tally.data for tally in registry.tallies()] == list(dict.fromkeys(data for data, _ in made))


def test_sharpe_ratios_are_the_last_known_of_each_trial(tmp_path: Path) -> None:
    registry = TrialRegistry(tmp_path)
    registry.note([run("d", "1", "2", sharpe="0.5"), run("d", "2", sharpe="-0.25"), run("d", "3", sharpe="")])
    tally = registry.tally("d")
    assert (tally.trials, tally.sharpes) == (3, (0.5, -0.25))
    assert tally.variance == pytest.approx(statistics.variance([0.5, -0.25]))
    assert registry.tally("e").variance is None


WRITER = """
import sys
from pathlib import Path
from kedge.storage.trials import FORMAT, Trial, TrialRegistry, TrialRun
registry = TrialRegistry(Path(sys.argv[1]))
for at in range(40):
    ids = tuple(Trial(f"{sys.argv[2]}-{at}-{n}", "0.125") for n in range(300))
    registry.note([TrialRun(FORMAT, "2026-01-01T00:00:00Z", "d", "sweep", "s", 9, ids)])
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    registry = TrialRegistry(tmp_path)
    runs, damaged = registry.runs()
    assert (len(runs), damaged) == (120, 0)
    assert registry.tally("d").trials == 3 * 40 * 300


@given(st.data())
def test_whatever_a_crash_leaves_the_rest_is_read_and_the_next_line_is_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    registry = TrialRegistry(tmp_path_factory.mktemp("registry"))
    registry.note([run("d", "1"), run("d", "2")])
    whole = registry.path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    registry.path.write_bytes(whole[:cut])
    registry.note([run("d", "3")])
    runs, damaged = registry.runs()
    lines = whole[:cut].count(b"\n")
    complete = [line for line in whole[:cut].split(b"\n") if line.endswith(b"}")]
    assert len(runs) == len(complete) + 1
    assert runs[-1].trials[0].id == "3"
    assert damaged == (1 if cut and whole[:cut].split(b"\n")[-1] and len(complete) == lines else 0)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "{}",
        "[]",
        json.dumps({"format": 2, "at": "", "data": "d", "command": "", "strategy": "", "days": 1, "trials": []}),
        json.dumps(
            {"format": 1, "at": "", "data": "d", "command": "", "strategy": "", "days": 1, "trials": [["1", "nan"]]}
        ),
        json.dumps(
            {"format": 1, "at": "", "data": "d", "command": "", "strategy": "", "days": 1, "trials": [["1", "x"]]}
        ),
        '{"format":1,"at":"\udcff"}',
    ],
)
def test_what_is_no_line_of_ours_is_left_out_and_counted(tmp_path: Path, line: str) -> None:
    registry = TrialRegistry(tmp_path)
    registry.note([run("d", "1")])
    with registry.path.open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")
    registry.note([run("d", "2")])
    runs, damaged = registry.runs()
    assert ([each.trials[0].id for each in runs], damaged) == (["1", "2"], 1)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = TrialRegistry(tmp_path)
    registry.note([run("d", "1")])
    before = registry.path.read_bytes()
    written: list[int] = []

    def write(handle: int, data: memoryview) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(1)
        return os.writev(handle, [data[:20]])

    monkeypatch.setattr("kedge.storage.trials.os.write", write)
    with pytest.raises(WorldError, match="No space left"):
        registry.note([run("d", "2")])
    assert registry.path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match="TRADING_DATA_DIR"):
        TrialRegistry(tmp_path / "file").note([run("d", "1")])
    (tmp_path / trials.FILE).mkdir()
    with pytest.raises(WorldError, match="cannot be read"):
        TrialRegistry(tmp_path).runs()


def test_many_trials_are_several_lines(tmp_path: Path) -> None:
    registry = TrialRegistry(tmp_path)
    registry.note([run("d", *map(str, range(2 * trials.TRIALS_MAX + 1)))])
    assert len(registry.runs()[0]) == 3
    assert registry.tally("d").trials == 2 * trials.TRIALS_MAX + 1


def test_a_trial_is_known_by_all_that_makes_it_and_not_by_the_order() -> None:
    assert trial_id("s", {"a": "1", "b": "2"}) == trial_id("s", {"b": "2", "a": "1"})
    made = [("s", {"a": "1"}), ("s", {"a": "2"}), ("t", {"a": "1"}), ("s", {"a": "1"}, "p"), ("s", "a", "1")]
    assert len({trial_id(*each) for each in made}) == len(made)
    assert data_id(["a", "b"]) != data_id(["b", "a"])
