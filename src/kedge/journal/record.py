"""A record and its line: the only text format of the journal.

A line is one canonical JSON object: ASCII, keys sorted, no blanks, integers, decimal strings, booleans, null,
arrays and objects only, so that equal values have equal bytes:

    {"at":1,"body":{...},"cause":0,"epoch":1,"kind":"fill","n":7,"schema":1,"sha":"<32 hex>"}

`n` counts from 1 without a gap over the life of the directory and is the order; `at` (UTC ns) only explains;
`cause` is the `n` of the record that led to this one, 0 for none; `epoch` counts the openings of the journal.
The eight keys sort so that `sha` is last, and it proves all that stands before it:

    chain(0) = 32 zero bytes
    chain(n) = SHA-256(chain(n-1) ‖ bytes of line n before `,"sha"`)      sha(n) = first 16 bytes of chain(n)

Sixteen bytes suffice in the line because the chain carries all 32; checkpoints hold the whole hash.
"""

from __future__ import annotations

import re
from binascii import hexlify
from hashlib import sha256

import msgspec

from kedge.journal.errors import EncodeRefused

GENESIS = bytes(32)
START = "start"  # kind of the first record of a run
STOP = "stop"  # kind of the last record of a run that ended on purpose

BODY_BYTES_MAX = 1_000_000
LINE_BYTES_MAX = BODY_BYTES_MAX + 512
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

_SEAL_BYTES = len(b',"sha":"' + b"0" * 32 + b'"}\n')
_INT = rb"(0|-?[1-9][0-9]{0,18})"
_NAT = rb"(0|[1-9][0-9]{0,18})"
_LINE = re.compile(
    rb'\{"at":' + _INT + rb',"body":(\{[ -~]*\}),"cause":' + _NAT + rb',"epoch":' + _NAT
    + rb',"kind":"([A-Za-z][A-Za-z0-9_.-]{0,63})","n":' + _NAT + rb',"schema":' + _NAT
    + rb',"sha":"([0-9a-f]{32})"\}\n'
)  # fmt: skip
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


#: A line before `,"sha"`: at, body, cause, epoch, kind, n, schema; and the whole line: that and the first half of the chain.
TEXT = b'{"at":%d,"body":%b,"cause":%d,"epoch":%d,"kind":"%b","n":%d,"schema":%d'
LINE = b'%b,"sha":"%b"}\n'


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line, taken apart. `body` is its canonical JSON text; a `Codec` makes the value of it."""

    at: int
    body: bytes
    cause: int
    epoch: int
    kind: str
    n: int
    schema: int
    sha: str


def kind_bytes(kind: str) -> bytes:
    """`kind` as it stands in a line; letters, digits, `_`, `.` and `-` only, a letter first."""
    if not _KIND.fullmatch(kind):
        raise EncodeRefused(f"kind is {kind!r}; use 1 to 64 of A-Z a-z 0-9 _ . - with a letter first")
    return kind.encode("ascii")


def unsealed(at: int, body: bytes, cause: int, epoch: int, kind: bytes, n: int, schema: int) -> bytes:
    """The bytes of a line before `,"sha"`."""
    return TEXT % (at, body, cause, epoch, kind, n, schema)


def chained(chain: bytes, text: bytes) -> bytes:
    """The next chain hash (32 bytes), from the previous one and a line's bytes before `,"sha"`."""
    return sha256(chain + text).digest()


def sealed(text: bytes, chain: bytes) -> bytes:
    """The whole line, newline included; `chain` is the hash that already covers `text`."""
    return LINE % (text, hexlify(chain[:16]))


def text_of(line: bytes) -> bytes:
    """The bytes that the line's `sha` covers. The line must be well-formed."""
    return line[:-_SEAL_BYTES]


def parse(line: bytes) -> Record | None:
    """The record of a whole line (newline included), or None if it does not have a record's form.

    The form is checked, not the chain, nor that the body is canonical inside.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    at, body, cause, epoch, kind, n, schema, sha = match.groups()
    return Record(int(at), body, int(cause), int(epoch), kind.decode("ascii"), int(n), int(schema), sha.decode("ascii"))
