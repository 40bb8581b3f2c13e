"""Signatures: what proves to Binance that a request is ours.

The payload differs by road. On REST it is the query string followed by the body, with nothing between, exactly the
percent-encoded bytes that are sent. On the WebSocket API it is every parameter, the key included, sorted by name,
joined by `&`, and *not* percent-encoded.

What signs it follows from the secret: a PEM private key signs with RSA (PKCS#1 v1.5, SHA-256) or Ed25519, both written
in base64, anything else is the text of an HMAC-SHA256 key, written in hex.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security and the page of the same
name of the WebSocket API.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Protocol

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret

#: Octets that stand for themselves in a URL (RFC 3986, "unreserved").
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = tuple(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in range(256))


class Signer(Protocol):
    """Signs payloads with one key."""

    def sign(self, payload: bytes) -> str:
        """The signature as the venue wants to read it, not yet percent-encoded."""


class HmacSigner:
    """HMAC-SHA256 in hex."""

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        self._key = secret

    def sign(self, payload: bytes) -> str:
        return hmac.new(self._key.reveal().encode(), payload, "sha256").hexdigest()

    def __repr__(self) -> str:
        return "HmacSigner(***)"


class RsaSigner:
    """RSA PKCS#1 v1.5 with SHA-256 in base64."""

    __slots__ = ("_key",)

    def __init__(self, key: _RsaKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return base64.b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()

    def __repr__(self) -> str:
        return "RsaSigner(***)"


class Ed25519Signer:
    """Ed25519 in base64."""

    __slots__ = ("_key",)

    def __init__(self, key: _EdKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self._key.sign(payload)).decode()

    def __repr__(self) -> str:
        return "Ed25519Signer(***)"


class _RsaKey(Protocol):
    def sign(self, data: bytes, padding: object, algorithm: object) -> bytes: ...


class _EdKey(Protocol):
    def sign(self, data: bytes) -> bytes: ...


def signer(secret: Secret) -> Signer:
    """The signer that this secret is for."""
    text = secret.reveal().strip().replace("\\n", "\n")  # keys often arrive with their line ends spelled out
    if not text:
        raise ConfigError(
            "the Binance API secret is empty; set TRADING_EXCHANGE_API_SECRET to an HMAC secret or a PEM key"
        )
    if not text.startswith("-----BEGIN"):
        return HmacSigner(Secret(text))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (TypeError, ValueError):
        key = None  # whatever the library would say may quote the key
    if isinstance(key, Ed25519PrivateKey):
        return Ed25519Signer(key)
    if isinstance(key, RSAPrivateKey):
        return RsaSigner(key)  # type: ignore[arg-type]  # its overloads take what we give
    raise ConfigError(
        "the Binance API secret is a PEM that is no unencrypted RSA or Ed25519 private key; export it as PKCS#8"
    )


def percent_encoded(text: str) -> str:
    """`text` for a query string or a form body."""
    return "".join([_ENCODED[octet] for octet in text.encode()])


def query(params: Mapping[str, str]) -> str:
    """Parameters in their order, percent-encoded."""
    return "&".join([f"{name}={percent_encoded(value)}" for name, value in params.items()])


def rest_payload(query_string: str, body: str) -> bytes:
    """What is signed on REST."""
    return (query_string + body).encode()


def ws_payload(params: Mapping[str, object]) -> bytes:
    """What is signed on the WebSocket API."""
    return "&".join([f"{name}={_plain(params[name])}" for name in sorted(params)]).encode()


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
