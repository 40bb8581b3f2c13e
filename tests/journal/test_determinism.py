"""Equal records under an equal key make equal files, whatever the hash seed, the batches and the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from kedge.journal import AuditLogger, CommitPolicy
from kedge.journal.memory import MemoryDisk

from .journals import DAY, KEY

RUN = """
import sys
from decimal import Decimal
from kedge.journal import AuditLogger, SigningKey
for opening in range(2):
    with AuditLogger(sys.argv[1], key=SigningKey(bytes(32)), checkpoint_records=7) as journal:
        for n in range(50):
            body = {name: Decimal(n) / 8 for name in {"a", "b", "c", "price", "quantity"}}
            journal.append("fill", body, n * 10**13, cause=n // 2)
        journal.append("stop", {}, 10**15)
"""


def digest(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for seed in ("0", "1", "4242"):
        where = tmp_path / seed
        subprocess.run([sys.executable, "-c", RUN, str(where)], check=True, env=os.environ | {"PYTHONHASHSEED": seed})
        digests.append(digest(where))
    assert digests[0] == digests[1] == digests[2]
    assert {"checkpoints.jsonl", "checkpoints.pub", "epoch", "audit-1970-01-06.jsonl"} < set(digests[0])


def test_the_size_of_batches_does_not_show() -> None:
    files = []
    for records_max, commits in ((1, 0), (3, 1), (10_000, 0), (10_000, 7)):
        disk = MemoryDisk()
        with AuditLogger(
            disk=disk, key=KEY, policy=CommitPolicy(records_max=records_max), checkpoint_records=10
        ) as journal:
            for n in range(1, 100):
                journal.append("fill", {"n": n}, n * DAY // 40)
                if commits and n % commits == 0:
                    journal.commit()
        files.append({name: disk.read(name) for name in disk.names()})
    assert files[0] == files[1] == files[2] == files[3]
