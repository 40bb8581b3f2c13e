"""Who signed: HMAC-SHA256 (hex), RSA PKCS#1 v1.5 and Ed25519 (base64), verified over exactly the bytes that came.

Over REST the payload is the query string and the body, put together without anything between them, less the signature
itself, percent-encoded as it was sent. Over WebSocket it is all parameters, sorted by name, not encoded.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kedge.model.errors import UserError
from kedge.venues.emulator import keys
from kedge.venues.emulator.binance.fields import Fields

_SIGNATURE = "signature="


class Credential:
    """One API key and how its signatures are verified."""

    def __init__(self, secret: str = "", public: Ed25519PublicKey | RSAPublicKey | None = None) -> None:
        self._secret = secret.encode()
        self._public = public

    @property
    def is_ed25519(self) -> bool:
        """Whether a session may be logged on with it."""
        return isinstance(self._public, Ed25519PublicKey)

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether `signature` is this key's over `payload`."""
        if self._public is None:
            wanted = hmac.new(self._secret, payload, sha256).hexdigest()
            return hmac.compare_digest(wanted, signature.lower())
        try:
            raw = base64.b64decode(signature, validate=True)
            if isinstance(self._public, Ed25519PublicKey):
                self._public.verify(raw, payload)
            else:
                self._public.verify(raw, payload, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error):
            return False
        return True


class Credentials:
    """The keys of the account: an HMAC and an Ed25519 pair from the seed, and those whose public halves are registered."""

    def __init__(self, seed: int) -> None:
        self.api_key = keys.text(seed, "binance-key")
        self.api_secret = keys.text(seed, "binance-secret")
        private = Ed25519PrivateKey.from_private_bytes(keys.raw(seed, "binance-ed25519"))
        self.ed25519_api_key = keys.text(seed, "binance-ed25519-key")
        self.ed25519_private_key = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.rights = {"withdraw": False, "ip_restricted": True}
        self._seed = seed
        self._known = {
            self.api_key: Credential(self.api_secret),
            self.ed25519_api_key: Credential(public=private.public_key()),
        }

    def find(self, api_key: str) -> Credential | None:
        """The credential of an API key."""
        return self._known.get(api_key)

    def register(self, pem: str) -> str:
        """Take a public key, as the venue's key page does; the API key for it."""
        try:
            public = serialization.load_pem_public_key(pem.encode())
        except ValueError:
            raise UserError("public_key_pem is no public key in PEM; give an RSA or Ed25519 one") from None
        if not isinstance(public, Ed25519PublicKey | RSAPublicKey):
            raise UserError(f"public_key_pem is {type(public).__name__}; give an RSA or Ed25519 one")
        api_key = keys.text(self._seed, f"binance-registered-{len(self._known)}")
        self._known[api_key] = Credential(public=public)
        return api_key

    def control(self, what: tuple[str, str], given: dict[str, Any]) -> dict[str, Any] | None:
        """The venue's key page: `POST keys` with `public_key_pem` registers a key, with `withdraw` or `ip_restricted` it
        changes what all keys may do.
        """
        if what != ("POST", "keys"):
            return None
        for name, value in given.items():
            if name in self.rights and isinstance(value, bool):
                self.rights[name] = value
            elif name != "public_key_pem":
                raise UserError(f"unknown {name!r}; give public_key_pem, or withdraw or ip_restricted true or false")
        made = {"api_key": self.register(str(given["public_key_pem"]))} if "public_key_pem" in given else {}
        return {**self.rights, **made}

    def restrictions(self, fields: Fields) -> dict[str, Any]:
        """`GET /sapi/v1/account/apiRestrictions`: what a key may do."""
        return {
            "ipRestrict": self.rights["ip_restricted"],
            "createTime": 0,
            "enableReading": True,
            "enableWithdrawals": self.rights["withdraw"],
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": True,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": True,
            "enablePortfolioMarginTrading": False,
        }


def rest_payload(query: str, body: bytes) -> tuple[bytes, str]:
    """The signed bytes of a request, and the signature in it (empty: none)."""
    signature, parts = "", []
    for part in (query, body.decode("latin-1")):
        kept = []
        for pair in part.split("&"):
            if pair.startswith(_SIGNATURE) and not signature:
                signature = unquote(pair.removeprefix(_SIGNATURE))
            else:
                kept.append(pair)
        parts.append("&".join(kept))
    return "".join(parts).encode("latin-1"), signature


def ws_payload(params: dict[str, Any], text: dict[str, str]) -> bytes:
    """The signed bytes of a WebSocket request."""
    return "&".join(f"{name}={text[name]}" for name in sorted(params) if name in text and name != "signature").encode()
