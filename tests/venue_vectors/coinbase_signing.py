"""`signing_coinbase_jwt`: header, claims and signed text byte for byte, EdDSA's signature too, ES256's verified with the
public key. `signing_coinbase_exchange`: the HMAC byte for byte.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kedge.model.secret import Secret
from kedge.venues.coinbase.signing import ApiKey, exchange_signature, token
from tests.venue_vectors.runner import Case


def signing(case: Case) -> None:
    if "passphrase" in case.data:
        _exchange(case)
    else:
        _token(case)


def _token(case: Case) -> None:
    data = case.data
    key = ApiKey(data["api_key_name"], Secret(data["private_key"]))
    assert key.algorithm == data["algorithm"]
    built = token(key, data["now_unix"], data["nonce"], data.get("uri") or "")
    header, claims, signature = built.split(".")
    assert f"{header}.{claims}" == data["signing_input"], _plain(header) + _plain(claims)
    assert json.loads(_plain(header)) == data["header"]
    assert json.loads(_plain(claims)) == data["claims"]
    published = data.get("jwt") or data["token"]
    if data["algorithm"] == "EdDSA":
        assert built == published
    for text in (signature, published.rpartition(".")[2]):  # theirs verifies alike: the oracle is sound
        _verify(data["public_key_pem"], f"{header}.{claims}".encode(), _bytes(text))


def _verify(public_pem: str, message: bytes, signature: bytes) -> None:
    public = load_pem_public_key(public_pem.encode())
    assert len(signature) == 64
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, message)
        return
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def _exchange(case: Case) -> None:
    data, sent = case.data, case.data["request"]
    parts = urlsplit(sent["url"])
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    made = exchange_signature(
        Secret(data["secret_base64"]), data["timestamp"], sent["method"], path, sent.get("body") or ""
    )
    assert made == sent["headers"]["CB-ACCESS-SIGN"], made


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _plain(part: str) -> str:
    return _bytes(part).decode()
