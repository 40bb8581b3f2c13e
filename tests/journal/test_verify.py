"""verify: thousands of ways to damage a journal, each found and named."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.journal import AuditLogger, SigningKey, standalone
from kedge.journal.checkpoint import CHECKPOINTS, PUBLIC_KEY, make
from kedge.journal.checkpoint import parse as parse_checkpoint
from kedge.journal.record import GENESIS, chained, parse, sealed, text_of, unsealed
from kedge.journal.verify import VerifyReport, verify

from .journals import KEY, Files, disk_of, evidence, sample, segment_names

SAMPLE = sample()
EDITS = 1000


def report_of(files: Files, public_key: str | None = None) -> VerifyReport:
    return verify(disk_of(files), public_key)


def kinds(report: VerifyReport) -> set[str]:
    return {problem.kind for problem in report.problems}


def number_of(line: bytes) -> int:
    record = parse(line)
    assert record is not None
    return record.n


def standalone_finds(files: Files, directory: Path) -> bool:
    """Whether the independent verifier refuses the files."""
    for old in directory.iterdir():
        old.unlink()
    for name, data in files.items():
        (directory / name).write_bytes(data)
    try:
        standalone.check(str(directory))
    except standalone.Flaw:
        return True
    return False


def test_the_sample_is_sound(tmp_path: Path) -> None:
    report = report_of(SAMPLE, KEY.public.hex())
    assert (report.ok, report.ended, report.warnings) == (True, True, ())
    assert (report.records, report.n, report.unproven, report.segments, report.epochs) == (60, 60, 0, 3, 2)
    assert report.signed_by == KEY.fingerprint
    assert not standalone_finds(SAMPLE, tmp_path)


def test_c36_each_of_1000_single_byte_edits_is_found_and_the_record_named(tmp_path: Path) -> None:
    dice = random.Random(36)
    for trial in range(EDITS):
        name = dice.choice(evidence(SAMPLE))
        data = bytearray(SAMPLE[name])
        at = dice.randrange(len(data))
        data[at] ^= dice.randrange(1, 256)
        report = report_of(SAMPLE | {name: bytes(data)})
        assert not report.ok, (trial, name, at)
        if name != CHECKPOINTS:
            line = SAMPLE[name].count(b"\n", 0, at) + 1
            n = number_of(SAMPLE[name].splitlines(keepends=True)[line - 1])
            assert {n, n + 1} & {problem.n for problem in report.problems}, (trial, name, at, report.problems)
            assert (name, line) in {(p.file, p.line) for p in report.problems}, (trial, report.problems)
        if trial % 25 == 0:
            assert standalone_finds(SAMPLE | {name: bytes(data)}, tmp_path)


def test_c36_each_of_1000_cuts_at_any_byte_is_found(tmp_path: Path) -> None:
    dice = random.Random(1)
    for trial in range(EDITS):
        name = dice.choice(evidence(SAMPLE))
        cut = SAMPLE | {name: SAMPLE[name][: dice.randrange(len(SAMPLE[name]))]}
        assert not report_of(cut).ok, (trial, name, len(cut[name]))
        if trial % 25 == 0:
            assert standalone_finds(cut, tmp_path)


def test_c36_every_cut_at_a_record_boundary_is_found_and_named(tmp_path: Path) -> None:
    for name in evidence(SAMPLE):
        lines = SAMPLE[name].splitlines(keepends=True)
        for kept in range(len(lines)):
            cut = SAMPLE | {name: b"".join(lines[:kept])}
            report = report_of(cut)
            assert not report.ok, (name, kept)
            assert kept % 4 or standalone_finds(cut, tmp_path)
            if name == segment_names(SAMPLE)[-1]:
                assert "truncated" in kinds(report)
                assert number_of(lines[kept]) in {problem.n for problem in report.problems}
            elif name != CHECKPOINTS:
                assert number_of(lines[kept]) in {problem.n for problem in report.problems}


def test_c36_the_journal_cut_back_over_several_segments_is_found() -> None:
    names = segment_names(SAMPLE)
    for gone in range(1, len(names)):
        report = report_of({name: data for name, data in SAMPLE.items() if name not in names[-gone:]})
        assert kinds(report) == {"truncated"}


def test_c36_each_of_1000_swaps_of_two_lines_is_found_and_both_proven(tmp_path: Path) -> None:
    dice = random.Random(2)
    for trial in range(EDITS):
        name = dice.choice(evidence(SAMPLE))
        lines = SAMPLE[name].splitlines(keepends=True)
        i, j = sorted(dice.sample(range(len(lines)), 2))
        swapped = lines.copy()
        swapped[i], swapped[j] = swapped[j], swapped[i]
        damaged = SAMPLE | {name: b"".join(swapped)}
        report = report_of(damaged)
        assert not report.ok
        if name != CHECKPOINTS:
            assert kinds(report) == {"reordered"}, (trial, i, j, report.problems)
            assert {p.n for p in report.problems} == {number_of(lines[i]), number_of(lines[j])}
            assert report.unproven == 0
        if trial % 25 == 0:
            assert standalone_finds(damaged, tmp_path)


def test_c36_each_removed_record_is_named(tmp_path: Path) -> None:
    for name in evidence(SAMPLE):
        lines = SAMPLE[name].splitlines(keepends=True)
        for i, line in enumerate(lines):
            damaged = SAMPLE | {name: b"".join(lines[:i] + lines[i + 1 :])}
            report = report_of(damaged)
            assert not report.ok, (name, i)
            assert i % 4 or standalone_finds(damaged, tmp_path)
            if name != CHECKPOINTS:
                assert kinds(report) <= {"removed", "missing-segment", "truncated"}, report.problems
                assert [problem.n for problem in report.problems] == [number_of(line)]


def test_c36_each_doubled_record_is_named_wherever_its_copy_stands(tmp_path: Path) -> None:
    dice = random.Random(3)
    for name in evidence(SAMPLE):
        lines = SAMPLE[name].splitlines(keepends=True)
        for i, line in enumerate(lines):
            place = dice.randrange(len(lines) + 1)
            damaged = SAMPLE | {name: b"".join([*lines[:place], line, *lines[place:]])}
            report = report_of(damaged)
            assert not report.ok, (name, i)
            assert i % 4 or standalone_finds(damaged, tmp_path)
            if name != CHECKPOINTS:
                assert [(p.kind, p.n) for p in report.problems] == [("duplicated", number_of(line))]
                assert (report.unproven, report.records) == (0, 60)
                assert report.unproven == 0


def test_c36_each_inserted_record_is_named(tmp_path: Path) -> None:
    """A forger can chain a record of his own to the one before; the next one gives him away."""
    lines = [(name, line) for name in segment_names(SAMPLE) for line in SAMPLE[name].splitlines(keepends=True)]
    chain = GENESIS
    for i, (name, line) in enumerate(lines[:-1]):
        record = parse(line)
        assert record is not None
        text = unsealed(record.at, b'{"forged":1}', 0, record.epoch, b"fill", record.n, 1)
        forged = sealed(text, chained(chain, text))
        chain = chained(chain, text_of(line))
        for well_chained in (forged, forged.replace(b'"sha":"', b'"sha":"0')[:-4] + b'"}\n'):
            new = [*lines[:i], (name, well_chained), *lines[i:]]
            damaged = SAMPLE | {
                segment: b"".join(raw for place, raw in new if place == segment) for segment in segment_names(SAMPLE)
            }
            report = report_of(damaged)
            assert not report.ok
            assert record.n in {problem.n for problem in report.problems}
            assert i % 4 or standalone_finds(damaged, tmp_path)


def test_c36_a_line_moved_to_the_neighbour_file_is_found_though_the_order_is_kept(tmp_path: Path) -> None:
    names = segment_names(SAMPLE)
    for left, right in pairwise(names):
        before, after = SAMPLE[left].splitlines(keepends=True), SAMPLE[right].splitlines(keepends=True)
        for moved in (
            {left: b"".join(before[:-1]), right: b"".join([before[-1], *after])},
            {left: b"".join([*before, after[0]]), right: b"".join(after[1:])},
        ):
            report = report_of(SAMPLE | moved)
            assert kinds(report) == {"misplaced"}
            assert standalone_finds(SAMPLE | moved, tmp_path)


@given(data=st.data())
def test_c36_any_line_moved_anywhere_is_found(data: st.DataObject) -> None:
    source, target = data.draw(st.tuples(*[st.sampled_from(segment_names(SAMPLE))] * 2), "files")
    lines = SAMPLE[source].splitlines(keepends=True)
    i = data.draw(st.integers(0, len(lines) - 1), "line")
    moved = lines.pop(i)
    damaged = SAMPLE | {source: b"".join(lines)}
    there = damaged[target].splitlines(keepends=True)
    there.insert(data.draw(st.integers(0, len(there)), "place"), moved)
    damaged |= {target: b"".join(there)}
    assert report_of(damaged).ok == (damaged == SAMPLE)


@given(data=st.data())
def test_verify_and_the_standalone_verifier_agree(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Several edits at once, of any size, in any file of the directory."""
    files = dict(SAMPLE)
    for _ in range(data.draw(st.integers(0, 3))):
        name = data.draw(st.sampled_from([*evidence(SAMPLE), PUBLIC_KEY]))
        start = data.draw(st.integers(0, len(files[name])))
        stop = data.draw(st.integers(start, min(start + 400, len(files[name]))))
        files[name] = files[name][:start] + data.draw(st.binary(max_size=20)) + files[name][stop:]
    assert report_of(files).ok != standalone_finds(files, tmp_path_factory.mktemp("journal"))


def test_a_chain_computed_anew_is_found_by_the_checkpoints(tmp_path: Path) -> None:
    """Who can write the files but has no key: change a record and repair every hash after it."""
    chain = GENESIS
    lines: dict[str, list[bytes]] = {}
    for name in segment_names(SAMPLE):
        for line in SAMPLE[name].splitlines(keepends=True):
            text = text_of(line).replace(b'"price":"294"', b'"price":"295"')
            chain = chained(chain, text)
            lines.setdefault(name, []).append(sealed(text, chain))
    damaged = SAMPLE | {name: b"".join(new) for name, new in lines.items()}
    report = report_of(damaged)
    assert kinds(report) == {"checkpoint"}
    assert report.problems[0].n == 45  # the first checkpoint after record 42
    assert standalone_finds(damaged, tmp_path)


def test_a_swapped_key_is_found_when_the_key_is_pinned(tmp_path: Path) -> None:
    other = SigningKey(bytes(32))
    forged = b""
    for line in SAMPLE[CHECKPOINTS].splitlines(keepends=True):
        point = parse_checkpoint(line)
        assert point is not None
        forged += make(point.at, point.epoch, point.i, point.n, bytes.fromhex(point.sha), other).line()
    swapped = SAMPLE | {CHECKPOINTS: forged, PUBLIC_KEY: other.public.hex().encode() + b"\n"}
    assert report_of(swapped).ok  # nothing inside the directory can tell
    assert {warning.kind for warning in report_of(swapped).warnings} == {"unpinned"}
    assert kinds(report_of(swapped, KEY.public.hex())) >= {"key", "checkpoint-signature"}
    without_file = {name: data for name, data in swapped.items() if name != PUBLIC_KEY}
    assert "checkpoint-signature" in kinds(report_of(without_file, KEY.public.hex()))
    assert "checkpoint-signature" in kinds(report_of(without_file))
    for name, data in swapped.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(standalone.Flaw):
        standalone.check(str(tmp_path), KEY.public.hex())


def test_stripped_signatures_are_found_when_the_key_is_known() -> None:
    bare = b""
    for line in SAMPLE[CHECKPOINTS].splitlines(keepends=True):
        point = parse_checkpoint(line)
        assert point is not None
        bare += make(point.at, point.epoch, point.i, point.n, bytes.fromhex(point.sha), None).line()
    assert "checkpoint-signature" in kinds(report_of(SAMPLE | {CHECKPOINTS: bare}))
    without_file = {name: data for name, data in SAMPLE.items() if name != PUBLIC_KEY} | {CHECKPOINTS: bare}
    assert report_of(without_file).ok
    assert "unsigned" in {warning.kind for warning in report_of(without_file).warnings}
    assert not report_of(without_file, KEY.public.hex()).ok


def test_an_unsigned_journal_still_shows_accidents() -> None:
    files = sample(key=None)
    assert report_of(files).ok
    name = segment_names(files)[-1]
    lines = files[name].splitlines(keepends=True)
    assert kinds(report_of(files | {name: b"".join(lines[:-1])})) == {"truncated"}
    dice = random.Random(4)
    for _ in range(200):
        data = bytearray(files[CHECKPOINTS])
        data[dice.randrange(len(data))] ^= dice.randrange(1, 256)
        assert not report_of(files | {CHECKPOINTS: bytes(data)}).ok


def test_an_end_without_a_stop_is_a_warning_not_a_problem() -> None:
    disk = disk_of(SAMPLE)
    with AuditLogger(disk=disk, key=KEY) as journal:
        journal.append("fill", {}, 10**18)
    report = verify(disk)
    assert (report.ok, report.ended) == (True, False)
    assert "no-stop" in {warning.kind for warning in report.warnings}


def test_missing_segment_is_named_with_its_records() -> None:
    _, middle, last = segment_names(SAMPLE)
    lines = SAMPLE[middle].splitlines(keepends=True)
    report = report_of({name: data for name, data in SAMPLE.items() if name != middle})
    assert [(p.kind, p.n, p.file) for p in report.problems] == [("missing-segment", number_of(lines[0]), last)]
    assert f"records {number_of(lines[0])} to {number_of(lines[-1])}" in report.problems[0].what


def test_a_record_that_is_chained_but_not_canonical_is_named(tmp_path: Path) -> None:
    for body in (
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1.5}',
        b'{"a":1,"a":1}',
        b'{"a":-0}',
        b'{"a":"\\u0041"}',
        b"{}}",
    ):
        text = unsealed(1, body, 0, 1, b"fill", 1, 1)
        chain = chained(GENESIS, text)
        files = {
            "audit-1970-01-01.jsonl": sealed(text, chain),
            CHECKPOINTS: make(1, 1, 1, 1, chain, KEY).line(),
            PUBLIC_KEY: KEY.public.hex().encode() + b"\n",
        }
        assert kinds(report_of(files)) == {"non-canonical"}, body
        assert standalone_finds(files, tmp_path), body


def test_every_digit_of_an_unsigned_checkpoint_counts() -> None:
    files = sample(key=None)
    data = files[CHECKPOINTS]
    for at, byte in enumerate(data):
        if chr(byte) in "0123456789":
            edited = data[:at] + (b"1" if byte != ord("1") else b"2") + data[at + 1 :]
            assert not report_of(files | {CHECKPOINTS: edited}).ok, at


def test_a_running_journal_without_checkpoints_is_a_problem(tmp_path: Path) -> None:
    name = segment_names(SAMPLE)[0]
    running = {name: b"".join(SAMPLE[name].splitlines(keepends=True)[:5]), PUBLIC_KEY: SAMPLE[PUBLIC_KEY]}
    for files in (running, running | {CHECKPOINTS: b""}):
        assert kinds(report_of(files)) == {"checkpoint-missing"}
        assert standalone_finds(files, tmp_path)
