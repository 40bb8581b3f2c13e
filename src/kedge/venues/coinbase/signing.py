"""Signing: a fresh JSON web token for every request, and the older HMAC of Coinbase Exchange.

A token says who asks (`sub`, `kid`: the key's name), for what (`uri`: method, host and path, without scheme and without
query string) and within which two minutes. The token of a WebSocket subscription has no `uri`.

    header.claims.signature      each part base64url without padding

Two kinds of keys: a P-256 key in PEM signs ES256, where the signature is r and s as 32 bytes each and not DER; an Ed25519
key, 64 bytes in base64, signs EdDSA. A PEM copied out of the venue's JSON has a backslash and an n where its lines
end. Time and nonce come from the shell. ES256 is signed with RFC 6979's nonce where OpenSSL can, so that a run can be
repeated byte for byte.

The two minutes are also the bound of every doubt: a request that got no answer cannot take effect once its token has
expired, whatever became of it.

Sources: docs.cdp.coinbase.com (API key authentication), RFC 7515, RFC 7518 section 3.4, RFC 8037.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret

TOKEN_SECONDS = 120

_ISSUER = "cdp"
_P256_BYTES = 32
_WANTED = "give the P-256 key as PEM, or the Ed25519 key as 64 bytes in base64, as the venue issued it"


class ApiKey:
    """A key and its name; signs, and shows neither."""

    __slots__ = ("_private", "algorithm", "name")

    def __init__(self, name: str, secret: Secret) -> None:
        if not name:
            raise ConfigError("the Coinbase API key has no name; give organizations/{org}/apiKeys/{key}")
        self.name = name
        self._private = _load(secret.reveal())
        self.algorithm = "ES256" if isinstance(self._private, ec.EllipticCurvePrivateKey) else "EdDSA"

    def sign(self, message: bytes) -> bytes:
        """The raw signature of `message`: r || s, or Ed25519's 64 bytes."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, _ES256))
        return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)

    def __repr__(self) -> str:
        return f"ApiKey({self.algorithm})"


def token(key: ApiKey, now_s: int, nonce: str, uri: str = "") -> str:
    """A token valid from `now_s` (UTC seconds) on; `uri` is `GET api.coinbase.com/api/v3/...`, empty for a stream."""
    header = {"alg": key.algorithm, "kid": key.name, "nonce": nonce, "typ": "JWT"}
    claims: dict[str, str | int] = {"sub": key.name, "iss": _ISSUER, "nbf": now_s, "exp": now_s + TOKEN_SECONDS}
    if uri:
        claims["uri"] = uri
    signed = f"{_part(msgspec.json.encode(header))}.{_part(msgspec.json.encode(claims))}"
    return f"{signed}.{_part(key.sign(signed.encode()))}"


def exchange_signature(secret: Secret, timestamp: str, method: str, path: str, body: str = "") -> str:
    """`CB-ACCESS-SIGN` of Coinbase Exchange: HMAC-SHA256 over time, method, path with its query, and body."""
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError("the Coinbase Exchange secret is not base64; give it as the venue issued it") from None
    digest = hmac.new(key, f"{timestamp}{method}{path}{body}".encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _load(secret: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    text = secret.replace("\\n", "\n").strip()
    if text.startswith("-----BEGIN"):
        return _load_pem(text)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"the Coinbase API secret is neither PEM nor base64; {_WANTED}") from None
    if len(raw) not in {32, 64}:
        raise ConfigError(f"the Coinbase API secret has {len(raw)} bytes; {_WANTED}")
    return ed25519.Ed25519PrivateKey.from_private_bytes(raw[:32])


def _load_pem(text: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    try:
        private = load_pem_private_key(f"{text}\n".encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"the Coinbase API secret is a PEM that cannot be read; {_WANTED}") from None
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return private
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private
    raise ConfigError(f"the Coinbase API secret is a key of another kind; {_WANTED}")


def _es256() -> ec.ECDSA:
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashes.SHA256())


_ES256 = _es256()
