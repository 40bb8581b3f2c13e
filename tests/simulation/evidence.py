"""The journal of a simulated run: written ahead on a disk in memory, and read back as a power cut would leave it."""

from __future__ import annotations

from typing import Any

import msgspec

from kedge.backtest.recording import codec
from kedge.core.state import State
from kedge.journal import AuditLogger, CommitPolicy, SigningKey
from kedge.journal.memory import MemoryDisk
from kedge.journal.record import parse
from kedge.model.decisions import Decision
from kedge.model.facts import Fact

KEY = SigningKey(bytes(range(32)))


class WriteAhead:
    """Appends a fact and its decisions and makes them durable before it returns."""

    def __init__(self, disk: MemoryDisk, state: State) -> None:
        self._state = state
        self._codec = codec()
        policy = CommitPolicy(records_max=1 << 20, bytes_max=1 << 30)
        self.log = AuditLogger(disk=disk, key=KEY, policy=policy, checkpoint_records=500)

    def write(self, fact: Fact, decisions: list[Decision]) -> None:
        state = self._state
        kind, schema, body = self._codec.encode(fact)
        cause = self.log.append(kind, body, state.now, 0, schema=schema, n=state.seq - len(decisions))
        for decision in decisions:
            kind, schema, body = self._codec.encode(decision)
            self.log.append(kind, body, state.now, cause, schema=schema)
        if decisions:
            self.log.commit()


class Durable:
    """What of the journal would survive a power cut now; reads on from where it stopped."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._read: dict[str, int] = {}
        self.approved: dict[str, dict[str, Any]] = {}

    def approval(self, order_id: str) -> dict[str, Any] | None:
        """The durable approval of an order, as the journal holds it."""
        if order_id not in self.approved:
            self._read_on()
        return self.approved.get(order_id)

    def _read_on(self) -> None:
        for name, content in sorted(self._disk._files.items()):
            if not (name.startswith("audit-") and content.named):
                continue
            start = self._read.get(name, 0)
            end = content.durable.rfind(b"\n") + 1
            for line in bytes(content.durable[start:end]).splitlines(keepends=True):
                record = parse(line)
                if record is not None and record.kind == "approved":
                    intent = msgspec.json.decode(record.body)["intent"]
                    self.approved[intent["id"]] = intent
            self._read[name] = max(start, end)
