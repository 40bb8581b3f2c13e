"""The journal: what happened, in order, provably. It knows bytes and numbers, not trading.

record      the line and its hash chain: read this first
canonical   values to canonical JSON; codec: kinds, schemas, upcasters; redact: no secrets
append      AuditLogger, the only writer; recover: opening, torn tails
disk        what is asked of the operating system; memory: the same, with faults
checkpoint  signed statements of the length; keys: Ed25519 files
segment     one file a UTC day; scan: the lines in order, proved; read: records, streaming
verify      every flaw, named; standalone: the same in one file without Kedge
"""

from kedge.journal.append import AuditLogger, CommitPolicy
from kedge.journal.canonical import encode_body
from kedge.journal.codec import Codec, Encoded
from kedge.journal.errors import (
    DecodeRefused,
    EncodeRefused,
    JournalCorrupt,
    JournalDead,
    JournalError,
    JournalLocked,
    JournalMisused,
    KeyRefused,
    UnknownKind,
    UnknownSchema,
)
from kedge.journal.keys import SigningKey, create_key, load_key, load_or_create_key
from kedge.journal.read import read
from kedge.journal.record import START, STOP, Record
from kedge.journal.recover import TornTail
from kedge.journal.redact import Redactor

__all__ = [
    "START",
    "STOP",
    "AuditLogger",
    "Codec",
    "CommitPolicy",
    "DecodeRefused",
    "EncodeRefused",
    "Encoded",
    "JournalCorrupt",
    "JournalDead",
    "JournalError",
    "JournalLocked",
    "JournalMisused",
    "KeyRefused",
    "Record",
    "Redactor",
    "SigningKey",
    "TornTail",
    "UnknownKind",
    "UnknownSchema",
    "create_key",
    "encode_body",
    "load_key",
    "load_or_create_key",
    "read",
]
