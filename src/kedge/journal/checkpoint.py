"""Checkpoints: signed statements of how far the journal had come.

A hash chain cannot show that its end was cut off. So at the first record of every opening, at every
`checkpoint interval` and at closing, after the records themselves are durable, a line is added to
`checkpoints.jsonl`:

    {"at":1,"epoch":1,"i":1,"key":"<16 hex>","n":1000,"sha":"<64 hex>","sig":"<128 hex>"}

`n` and `sha` are a record and the whole chain hash at it, `i` counts the checkpoints without a gap (so that
none can be taken out), `key` is the signer's fingerprint; `sig` is Ed25519 over a fixed prefix and the
line's bytes before `,"sig"`. Without a key, `key` and `sig` are empty: such a checkpoint shows accidents,
not a forger. What remains undetected: a directory put back whole to an earlier state. Keep checkpoints
elsewhere too.
"""

from __future__ import annotations

import re

import msgspec

from kedge.journal.keys import SigningKey, signed_by

CHECKPOINTS = "checkpoints.jsonl"
PUBLIC_KEY = "checkpoints.pub"
CONTEXT = b"kedge journal checkpoint 1\n"

_NAT = rb"(0|[1-9][0-9]{0,18})"
_INT = rb"(0|-?[1-9][0-9]{0,18})"
_LINE = re.compile(
    rb'\{"at":' + _INT + rb',"epoch":' + _NAT + rb',"i":' + _NAT + rb',"key":"((?:[0-9a-f]{16})?)","n":'
    + _NAT + rb',"sha":"([0-9a-f]{64})","sig":"((?:[0-9a-f]{128})?)"\}\n'
)  # fmt: skip


class Checkpoint(msgspec.Struct, frozen=True):
    """One checkpoint. `sha` is the whole chain hash at record `n`, in hex."""

    at: int
    epoch: int
    i: int
    key: str
    n: int
    sha: str
    sig: str = ""

    def text(self) -> bytes:
        """The bytes of the line before `,"sig"`."""
        return b'{"at":%d,"epoch":%d,"i":%d,"key":"%b","n":%d,"sha":"%b"' % (
            self.at, self.epoch, self.i, self.key.encode("ascii"), self.n, self.sha.encode("ascii"),
        )  # fmt: skip

    def line(self) -> bytes:
        """The whole line, newline included."""
        return b'%b,"sig":"%b"}\n' % (self.text(), self.sig.encode("ascii"))

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the signature is `public`'s."""
        return len(self.sig) == 128 and signed_by(public, CONTEXT + self.text(), bytes.fromhex(self.sig))


def make(at: int, epoch: int, i: int, n: int, chain: bytes, key: SigningKey | None) -> Checkpoint:
    """The checkpoint of record `n`, signed if there is a key."""
    bare = Checkpoint(at, epoch, i, key.fingerprint if key else "", n, chain.hex())
    if key is None:
        return bare
    return msgspec.structs.replace(bare, sig=key.sign(CONTEXT + bare.text()).hex())


def parse(line: bytes) -> Checkpoint | None:
    """The checkpoint of a whole line, None if it has not a checkpoint's form."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    at, epoch, i, key, n, sha, sig = match.groups()
    return Checkpoint(
        int(at), int(epoch), int(i), key.decode("ascii"), int(n), sha.decode("ascii"), sig.decode("ascii")
    )
