"""What can go wrong with the journal, sorted by what the caller must do.

JournalError
├── JournalDead         a write or sync failed: final, never retried; halt                 (WorldError)
├── JournalLocked       another process writes this journal                                (WorldError)
├── JournalCorrupt      a record is not what was written, named; refuse to trade, a human looks
├── JournalMisused      the caller broke the journal's contract                            (OurBug)
├── KeyRefused          the signing key is missing, readable by others, or another one     (UserError)
├── EncodeRefused       a value has no canonical text or must not be written (float, Secret) (OurBug)
└── DecodeRefused       a record's body is not what its kind says
    ├── UnknownKind     no type is registered under this name
    └── UnknownSchema   the type is known, this version of it is not
"""

from __future__ import annotations

from kedge.model.errors import KedgeError, OurBug, UserError, WorldError


class JournalError(KedgeError):
    """Root of the journal's errors."""


class JournalDead(JournalError, WorldError):
    """The first failed write or sync killed the journal; every later call raises this same error."""


class JournalLocked(JournalError, WorldError):
    """Another process holds the journal directory."""


class JournalCorrupt(JournalError):
    """Record `n` is not what was written; `file` and `line` (from 1) say where it shows."""

    def __init__(self, n: int, file: str, line: int, what: str) -> None:
        super().__init__(f"journal record {n} ({file} line {line}): {what}; run `kedge audit verify`")
        self.n = n
        self.file = file
        self.line = line
        self.what = what


class JournalMisused(JournalError, OurBug):
    """An append or commit that the journal's contract does not allow."""


class KeyRefused(JournalError, UserError):
    """The key that signs or verifies checkpoints cannot be used."""


class EncodeRefused(JournalError, OurBug):
    """A value that must not be written, or has no canonical text."""


class DecodeRefused(JournalError):
    """A record's body does not decode as its kind and schema say."""


class UnknownKind(DecodeRefused):
    """A record names a kind nobody registered."""


class UnknownSchema(DecodeRefused):
    """A record carries a schema version that its kind never had, or has no upcaster for."""
