"""The contract of a Disk, taken by the real one and by the faulty twin."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.journal import AuditLogger
from kedge.journal.disk import Disk, OsDisk
from kedge.journal.errors import JournalLocked
from kedge.journal.memory import Fault, MemoryDisk
from kedge.journal.record import LINE_BYTES_MAX


@pytest.fixture(params=["os", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return OsDisk(tmp_path / "new" / "journal", create=True) if request.param == "os" else MemoryDisk()


def test_what_is_written_is_read(disk: Disk) -> None:
    file = disk.open("a")
    assert file.write(b"one\ntwo\n", 0) == 8
    assert file.write(b"TWO\nthr", 4) == 7
    file.sync()
    file.close()
    disk.sync_dir()
    assert (disk.names(), disk.size("a")) == (["a"], 11)
    assert (disk.read("a"), disk.read("a", 8), disk.read("a", 99)) == (b"one\nTWO\nthr", b"thr", b"")
    assert list(disk.lines("a")) == [b"one\n", b"TWO\n", b"thr"]


def test_opening_keeps_what_is_there(disk: Disk) -> None:
    for text in (b"abc", b"ABCD"):
        file = disk.open("a")
        file.write(text[-1:], len(text) - 1)
        file.close()
    assert disk.read("a") == b"\0\0cD"


def test_allocate_and_truncate(disk: Disk) -> None:
    file = disk.open("a")
    file.write(b"abc", 0)
    file.allocate(8)
    assert disk.read("a") == b"abc" + bytes(5)
    file.allocate(4)
    assert disk.size("a") == 8
    file.truncate(2)
    file.sync()
    assert disk.read("a") == b"ab"
    file.close()


def test_long_lines_come_in_pieces(disk: Disk) -> None:
    file = disk.open("a")
    data = b"x" * (2 * LINE_BYTES_MAX + 5) + b"\nend"
    file.write(data, 0)
    file.close()
    assert [len(line) for line in disk.lines("a")] == [LINE_BYTES_MAX, LINE_BYTES_MAX, 6, 3]
    assert b"".join(disk.lines("a")) == data


def test_remove_and_what_is_absent(disk: Disk) -> None:
    disk.open("a").close()
    disk.remove("a")
    disk.sync_dir()
    assert disk.names() == []
    for absent in (
        lambda: disk.read("a"),
        lambda: disk.size("a"),
        lambda: list(disk.lines("a")),
        lambda: disk.remove("a"),
    ):
        with pytest.raises(FileNotFoundError):
            absent()


def test_one_writer_at_a_time(disk: Disk) -> None:
    disk.lock()
    other = OsDisk(disk.directory) if isinstance(disk, OsDisk) else disk
    with pytest.raises(JournalLocked, match="journal"):
        other.lock()
    disk.unlock()
    other.lock()
    other.unlock()
    other.unlock()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(min_size=1, max_size=9), st.integers(0, 12)), max_size=12))
def test_both_disks_agree_on_any_writes(writes: list[tuple[str, bytes, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        real, memory = OsDisk(directory), MemoryDisk()
        for disk in (real, memory):
            for name, data, offset in writes:
                file = disk.open(name)
                file.write(data, offset)
                if offset == 7:
                    file.truncate(3)
                file.close()
        assert real.names() == memory.names()
        assert [real.read(name) for name in real.names()] == [memory.read(name) for name in memory.names()]


def test_an_fd_does_not_leak_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        OsDisk(tmp_path).open("link")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


HOLD = """
import sys
from kedge.journal import AuditLogger
with AuditLogger(sys.argv[1]) as journal:
    print("held", flush=True)
    sys.stdin.read()
"""


def test_h56_a_second_process_cannot_write_the_same_journal(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(JournalLocked, match=str(tmp_path)):
            AuditLogger(tmp_path)
    finally:
        holder.communicate("")
    assert holder.returncode == 0
    with AuditLogger(tmp_path) as journal:
        assert journal.epoch == 2


def test_h56_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
    AuditLogger(tmp_path).close()


def test_the_faulty_disk_fails_as_told() -> None:
    disk = MemoryDisk(Fault("write", 2, errno.ENOSPC, taken=1), Fault("write", 3, taken=2), Fault("sync", 1, errno.EIO))
    file = disk.open("a")
    assert file.write(b"abc", 0) == 3
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        file.write(b"def", 3)
    assert file.write(b"xyz", 4) == 2
    assert disk.read("a") == b"abcdxy"
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        file.sync()
    file.sync()  # succeeds, and yet:
    disk.sync_dir()
    assert disk.crash().read("a") == b""


def kept_of(kept: int) -> Callable[[str, int], int]:
    return lambda name, pending: kept


def test_a_crash_keeps_what_was_synced_and_any_part_of_the_rest() -> None:
    for kept in range(5):
        disk = MemoryDisk()
        file = disk.open("a")
        file.write(b"safe", 0)
        file.sync()
        disk.sync_dir()
        disk.open("nameless").write(b"x", 0)
        file.write(b"1234", 4)
        after = disk.crash(kept_of(kept))
        assert after.read("a") == b"safe" + b"1234"[:kept]
        assert after.names() == ["a"]
        with pytest.raises(OSError, match="crashed"):
            file.write(b"x", 0)
