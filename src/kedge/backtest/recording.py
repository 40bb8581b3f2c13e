"""A run's journal: each fact, then its decisions, numbered as the core numbers them.

The writer's order is the core's: record `n` of the journal is record `n` of the state, or the run stops.
Nothing leaves a backtest's process, so its records are committed in groups; the group is written before the
run is reported as done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedge.core.state import State
from kedge.journal.append import AuditLogger, CommitPolicy
from kedge.journal.codec import Codec
from kedge.journal.keys import SigningKey
from kedge.journal.redact import Redactor
from kedge.model.decisions import Decision
from kedge.model.errors import ConfigError
from kedge.model.facts import Fact
from kedge.model.kinds import KINDS, UPCASTERS, VERSIONS


def codec(redactor: Redactor | None = None) -> Codec:
    """The codec of Kedge's facts and decisions."""
    return Codec(KINDS, versions=VERSIONS, upcasters=UPCASTERS, redactor=redactor)


class Recording:
    """Writes what each step took and decided."""

    def __init__(
        self,
        directory: Path,
        state: State,
        key: SigningKey | Path | None = None,
        policy: CommitPolicy | None = None,
    ) -> None:
        if directory.exists() and any(directory.iterdir()):
            raise ConfigError(f"journal directory {directory} is not empty; a backtest writes a new one, name another")
        self._state = state
        self._codec = codec()
        self._log = AuditLogger(directory, key=key, policy=policy or CommitPolicy(records_max=4096, sync=False))

    def write(self, fact: Fact, decisions: list[Decision]) -> None:
        """Append a fact and what was decided because of it."""
        encode, state = self._codec.encode, self._state
        entries = [encode(fact), *map(encode, decisions)] if decisions else (encode(fact),)
        self._log.append_step(entries, state.now, state.seq - len(decisions))

    def close(self) -> Mapping[str, Any]:
        """Commit and close; says how long the journal is and what its chain ends with."""
        self._log.commit()
        end = {"records": self._log.n, "chain": self._log.head}
        self._log.close()
        return end
