"""Who may ask: the JSON web token of every private request, checked over the very bytes that came.

A token is refused where its form, algorithm, key or signature is wrong, where it is not valid yet or no longer, where it
is valid for longer than two minutes, and where it is for another method, host or path. The one word to all of that is
`401 Unauthorized`, as the venue's.

Two keys are known: a P-256 key (ES256) and an Ed25519 key (EdDSA), made from the seed. Clients differ in what else they
claim (`aud`, `iat`, `uris` instead of `uri`, another `iss`), and over plain http some leave the scheme in the address: all
of that is accepted, because the clients do it and cannot be changed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kedge.model.instant import NS_PER_S
from kedge.venues.emulator import keys
from kedge.venues.emulator.coinbase.text import uuid

#: A clock that runs ahead by more than this is not ours to forgive.
EARLY_S = 10
LONGEST_S = 120
_SIGNATURE_BYTES = 64


class Keys:
    """The keys of one emulated account, made from its seed."""

    def __init__(self, seed: int) -> None:
        organization = f"organizations/{uuid(seed, 'organization')}"
        self.ec_name = f"{organization}/apiKeys/{uuid(seed, 'ec')}"
        self.ed_name = f"{organization}/apiKeys/{uuid(seed, 'ed')}"
        self._ec = ec.derive_private_key(int.from_bytes(keys.raw(seed, "coinbase-ec")[:31]) + 1, ec.SECP256R1())
        self._ed = ed25519.Ed25519PrivateKey.from_private_bytes(keys.raw(seed, "coinbase-ed"))

    @property
    def ec_pem(self) -> str:
        """The P-256 key as the venue hands it out."""
        return self._ec.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()

    @property
    def ed_base64(self) -> str:
        """The Ed25519 key: seed and public half, in base64."""
        raw = serialization.Encoding.Raw
        seed = self._ed.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return base64.b64encode(seed + self._ed.public_key().public_bytes(raw, serialization.PublicFormat.Raw)).decode()

    def verifies(self, algorithm: str, name: str, message: bytes, signature: bytes) -> bool:
        """Whether a signature is that of the key of this name."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        try:
            if (algorithm, name) == ("ES256", self.ec_name):
                r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
                self._ec.public_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
                return True
            if (algorithm, name) == ("EdDSA", self.ed_name):
                self._ed.public_key().verify(signature, message)
                return True
        except InvalidSignature:
            return False
        return False


def rest_fault(keyring: Keys, headers: Mapping[str, str], method: str, path: str, clocks: tuple[int, ...]) -> str:
    """What is wrong with a request's token; empty where nothing is. `clocks` are the times that count as now (UTC ns)."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind != "Bearer":
        return "no bearer token"
    return token_fault(keyring, token, clocks, {f"{method} {where}{path}" for where in _hosts(headers.get("host", ""))})


def token_fault(keyring: Keys, token: str, clocks: tuple[int, ...], wanted: set[str] | None = None) -> str:
    """What is wrong with a token; `wanted`: what it must be for, None for a WebSocket, where it is for nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return "not a token"
    header, claims, signature = _object(parts[0]), _object(parts[1]), _bytes(parts[2])
    if header is None or claims is None or signature is None:
        return "not a token"
    name = claims.get("sub")
    if not isinstance(name, str) or header.get("kid") != name:
        return "the key's name differs"
    if not header.get("nonce"):
        return "no nonce"
    if not keyring.verifies(str(header.get("alg")), name, f"{parts[0]}.{parts[1]}".encode(), signature):
        return "the signature is wrong"
    late = _time_fault(claims, clocks)
    if late or wanted is None:
        return late
    claimed = claims.get("uris", [claims.get("uri")])
    return "" if isinstance(claimed, list) and any(each in wanted for each in claimed) else "it is for another request"


def _time_fault(claims: dict[str, Any], clocks: tuple[int, ...]) -> str:
    begins, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int) or ends - begins > LONGEST_S:
        return "it is valid for too long, or for ever"
    if any(begins - EARLY_S <= clock // NS_PER_S <= ends for clock in clocks):
        return ""
    return "it is not valid now"


def _hosts(host: str) -> tuple[str, ...]:
    return host, f"http://{host}"


def _object(part: str) -> dict[str, Any] | None:
    raw = _bytes(part)
    try:
        found = None if raw is None else msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found if isinstance(found, dict) else None


def _bytes(part: str) -> bytes | None:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
