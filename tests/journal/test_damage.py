"""Naming damage: the parts by brute force, and damage beyond what is kept in memory."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.journal import standalone
from kedge.journal.damage import KINDS, in_order, longest_rising
from kedge.journal.verify import verify

from .journals import disk_of, sample, segment_names

SAMPLE = sample(90, every=20)


@given(st.lists(st.integers(0, 9), max_size=9))
def test_the_longest_rising_subsequence_by_brute_force(numbers: list[int]) -> None:
    chosen = longest_rising(numbers)
    values = [numbers[i] for i in chosen]
    assert chosen == sorted(chosen)
    assert all(a < b for a, b in pairwise(values))
    longest = max(
        size
        for size in range(len(numbers) + 1)
        for some in combinations(numbers, size)
        if all(a < b for a, b in pairwise(some))
    )
    assert len(chosen) == longest


@given(st.integers(3, 12), st.data())
def test_two_swapped_lines_are_both_out_of_order_and_none_between(size: int, data: st.DataObject) -> None:
    i, j = sorted(data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)))
    numbers = list(range(7, 7 + size))
    numbers[i], numbers[j] = numbers[j], numbers[i]
    assert set(range(size)) - set(in_order(numbers, 7)) == {i, j}


def test_a_moved_line_is_the_only_one_out_of_order() -> None:
    numbers = list(range(1, 21))
    numbers.insert(15, numbers.pop(3))
    assert set(range(20)) - set(in_order(numbers, 1)) == {15}


def damaged_at(*numbers: int) -> dict[str, bytes]:
    files = dict(SAMPLE)
    for n in numbers:
        for name in segment_names(files):
            files[name] = files[name].replace(b'"price":"%d"' % (n * 7), b'"price":"%d"' % (n * 7 + 1))
    return files


def test_changed_records_in_several_stretches_between_checkpoints_are_all_named() -> None:
    report = verify(disk_of(damaged_at(5, 27, 44, 88)))
    assert [(problem.kind, problem.n) for problem in report.problems] == [("changed", n) for n in (5, 27, 44, 88)]
    assert report.records == 90
    # From each changed record to the next checkpoint (20, 30, 40, 60, 80, 90: the run of 30 began anew at 31).
    assert report.unproven == (20 - 5 + 1) + (30 - 27 + 1) + (60 - 44 + 1) + (90 - 88 + 1)


@pytest.mark.parametrize("lines", [1, 2, 5])
def test_damage_longer_than_what_is_kept_is_found_all_the_same(
    lines: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same thousand kinds of damage, with almost no memory to understand them."""
    monkeypatch.setattr("kedge.journal.verify.STRETCH_LINES_MAX", lines)
    monkeypatch.setattr("kedge.journal.verify.RECENT_LINES", 2)
    dice = random.Random(lines)
    for trial in range(150):
        files = dict(SAMPLE)
        name = dice.choice(segment_names(files))
        rows = files[name].splitlines(keepends=True)
        i, j = dice.randrange(len(rows)), dice.randrange(len(rows))
        match trial % 5:
            case 0:
                rows[i], rows[j] = rows[j], rows[i]
            case 1:
                del rows[min(i, j) : max(i, j) + 1]
            case 2:
                rows.insert(j, rows[i])
            case 3:
                at = dice.randrange(len(rows[i]))
                rows[i] = rows[i][:at] + bytes([rows[i][at] ^ dice.randrange(1, 256)]) + rows[i][at + 1 :]
            case _:
                rows[i:j] = [b"junk\n"]
        files[name] = b"".join(rows)
        report = verify(disk_of(files))
        assert report.ok == (files == SAMPLE), (trial, i, j)
        assert {problem.kind for problem in report.problems} <= KINDS


def test_the_number_of_problems_kept_is_bounded() -> None:
    files = dict(SAMPLE)
    for name in segment_names(files):
        files[name] = b"".join(line for line in files[name].splitlines(keepends=True) for _ in range(4))
    report = verify(disk_of(files))
    assert (report.problems_total, len(report.problems)) == (270, 200)
    assert {problem.kind for problem in report.problems} == {"duplicated"}


def test_the_standalone_verifier_runs_by_itself_and_says_so_in_its_exit_code(tmp_path: Path) -> None:
    script = Path(standalone.__file__).read_bytes()
    assert len(script.splitlines()) < 200
    alone = tmp_path / "verify.py"
    alone.write_bytes(script)
    journal = tmp_path / "journal"
    journal.mkdir()
    for files, code, text in ((SAMPLE, 0, "ok: 90 records"), (damaged_at(41), 1, "record 41, ")):
        for name, data in files.items():
            (journal / name).write_bytes(data)
        # -I -S: no site-packages, no environment: the standard library alone.
        run = subprocess.run(
            [sys.executable, "-I", "-S", str(alone), str(journal)], capture_output=True, text=True, check=False
        )
        assert run.returncode == code
        assert (run.stdout + run.stderr).startswith(text)
