"""Journals whose chain and signatures hold and that are impossible all the same: a writer's bug, or a thief's key.

The reader, the writer when it opens, `verify` and the standalone verifier must each refuse them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kedge.journal import AuditLogger, JournalCorrupt, read, standalone
from kedge.journal.checkpoint import CHECKPOINTS, PUBLIC_KEY, make
from kedge.journal.record import GENESIS, chained, sealed, text_of, unsealed
from kedge.journal.segment import segment_name
from kedge.journal.verify import verify

from .journals import DAY, KEY, Files, disk_of, sample, segment_names

SOUND: list[dict[str, Any]] = [
    {"n": 1, "at": 5, "cause": 0, "epoch": 1, "day": 0},
    {"n": 2, "at": 4, "cause": 1, "epoch": 1, "day": 0},
    {"n": 3, "at": DAY, "cause": 0, "epoch": 2, "day": 1},
    {"n": 4, "at": 6, "cause": 3, "epoch": 4, "day": 1},
]


def written(records: list[dict[str, Any]]) -> Files:
    """The files of these records, chained and signed by the rules."""
    chain, files = GENESIS, {CHECKPOINTS: b"", PUBLIC_KEY: KEY.public.hex().encode() + b"\n"}
    for i, record in enumerate(records, 1):
        text = unsealed(record["at"], b"{}", record["cause"], record["epoch"], b"fill", record["n"], 1)
        chain = chained(chain, text)
        name = segment_name(record["day"])
        files[name] = files.get(name, b"") + sealed(text, chain)
        files[CHECKPOINTS] += make(record["at"], record["epoch"], i, record["n"], chain, KEY).line()
    return files


def refusals(files: Files, directory: Path) -> list[bool]:
    """Who refuses the files: reader, writer, verify, standalone."""
    for name, data in files.items():
        (directory / name).write_bytes(data)
    found = []
    for attempt in (
        lambda: list(read(disk_of(files))),
        lambda: AuditLogger(disk=disk_of(files), key=KEY).close(),
        lambda: standalone.check(str(directory)),
    ):
        try:
            attempt()
        except (JournalCorrupt, standalone.Flaw):
            found.append(True)
        else:
            found.append(False)
    return [*found, not verify(disk_of(files)).ok]


def test_the_sound_one_is_taken_by_all(tmp_path: Path) -> None:
    assert refusals(written(SOUND), tmp_path) == [False] * 4


@pytest.mark.parametrize(
    "place,change",
    [
        (0, {"n": 2}), (0, {"n": 0}), (3, {"n": 5}), (2, {"n": 2}), (0, {"epoch": 0}), (1, {"epoch": 0}), (3, {"epoch": 1}),
        (0, {"cause": 1}), (1, {"cause": 2}), (3, {"cause": 9}), (0, {"day": 1}), (1, {"day": 1}), (2, {"day": 0}),
        (3, {"day": 0}), (3, {"day": 2}), (0, {"at": DAY}), (2, {"at": 7}), (3, {"at": 3 * DAY}), (0, {"at": -1}),
    ],
)  # fmt: skip
def test_an_impossible_record_is_refused_by_all(place: int, change: dict[str, Any], tmp_path: Path) -> None:
    records = [dict(record) for record in SOUND]
    records[place] |= change
    assert refusals(written(records), tmp_path) == [True] * 4


def test_a_chain_computed_anew_is_refused_by_the_writer_that_has_the_key(tmp_path: Path) -> None:
    files = sample()
    chain = GENESIS
    for name in segment_names(files):
        lines = []
        for line in files[name].splitlines(keepends=True):
            text = text_of(line).replace(b'"price":"294"', b'"price":"295"')
            chain = chained(chain, text)
            lines.append(sealed(text, chain))
        files[name] = b"".join(lines)
    with pytest.raises(JournalCorrupt, match="differs from checkpoint") as refusal:
        AuditLogger(disk=disk_of(files), key=KEY)
    assert refusal.value.n == 45  # the first checkpoint after record 42


def test_a_changed_signature_is_refused_by_all(tmp_path: Path) -> None:
    files = written(SOUND)
    for at in (-4, -100):
        data = bytearray(files[CHECKPOINTS])
        data[at] = ord("0") if data[at] != ord("0") else ord("1")
        assert refusals(files | {CHECKPOINTS: bytes(data)}, tmp_path)[1:] == [True] * 3
