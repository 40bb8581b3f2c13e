"""The account's keys: made from the seed, so that equal seeds give equal lines. They are worth nothing anywhere else."""

from __future__ import annotations

from hashlib import sha256


def text(seed: int, what: str, length: int = 64) -> str:
    """A key of `length` letters and digits."""
    digits = "".join(sha256(f"kedge-emulator-{seed}-{what}-{n}".encode()).hexdigest() for n in range(-(-length // 64)))
    return digits[:length]


def raw(seed: int, what: str) -> bytes:
    """32 bytes, as private keys on curves want them."""
    return sha256(f"kedge-emulator-{seed}-{what}".encode()).digest()
