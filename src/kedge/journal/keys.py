"""The Ed25519 key that signs checkpoints.

The file holds the 32-byte seed as 64 hex digits and must be readable by its owner only. Ed25519 signs
without randomness, so equal records under an equal key give equal files. Whoever can read the key can forge
checkpoints: keep it away from the trading process's user where you can, and pin the public key when you
verify.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kedge.journal.errors import KeyRefused


def fingerprint(public: bytes) -> str:
    """16 hex digits that name a public key: the start of its SHA-256."""
    return sha256(public).hexdigest()[:16]


class SigningKey:
    """A private key; it never shows itself."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()
        self.fingerprint: str = fingerprint(self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.fingerprint})"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        return self._key.sign(message)


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` was made with the private half of `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(text: str) -> bytes:
    """The 32 bytes of a public key written as 64 hex digits."""
    digits = text.strip()
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != 32 or len(digits) != 64:
        raise KeyRefused(f"public key is {text[:80]!r}; give the 64 hex digits of checkpoints.pub")
    return key


def create_key(path: str | os.PathLike[str]) -> SigningKey:
    """Make a new key in a new file of mode 0600; KeyRefused if the file is there already."""
    seed = os.urandom(32)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyRefused(f"key file {os.fspath(path)} exists already; load it, or choose another path") from None
    try:
        os.write(fd, seed.hex().encode("ascii") + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    return SigningKey(seed)


def load_key(path: str | os.PathLike[str]) -> SigningKey:
    """The key in a file; KeyRefused if others than its owner may read or write it."""
    place = Path(path)
    try:
        fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyRefused(f"key file {place} does not exist; make one with create_key") from None
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        text = os.read(fd, 128)
    finally:
        os.close(fd)
    if mode & 0o077:
        raise KeyRefused(f"key file {place} has mode {mode:04o}; others can reach it: chmod 600 it")
    try:
        seed = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise KeyRefused(f"key file {place} is not 64 hex digits; restore it or make a new one")
    return SigningKey(seed)


def load_or_create_key(path: str | os.PathLike[str]) -> SigningKey:
    """The key in the file, made first if the file is absent."""
    return load_key(path) if os.path.exists(path) else create_key(path)
