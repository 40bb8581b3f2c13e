"""`signing_hyperliquid_*`: hashes and signatures, bit for bit."""

from __future__ import annotations

from typing import Any

from kedge.model.secret import Secret
from kedge.venues.hyperliquid.protocol.signing import Signer, agent_digest, connection_id, user_digest
from tests.venue_vectors.runner import Case


def signing(case: Case) -> None:
    data = case.data
    if "primary_type" in data:
        fields = [(field["name"], field["type"]) for field in data["types"]]
        signs(data, user_digest(data["primary_type"], fields, data["message"]))
        return
    connection = connection_id(data["action"], data["nonce"], data.get("vault_address"), data.get("expires_after"))
    assert "0x" + connection.hex() == data["connection_id"], connection.hex()
    if data.get("signature"):
        signs(data, agent_digest(connection, data["is_mainnet"]))


def signs(data: dict[str, Any], digest: bytes) -> None:
    """Our signature of `digest` is the one of the case, and the address is the key's."""
    signer = Signer(Secret(data["private_key"]))
    made = signer.sign(digest)
    assert (made.r, made.s, made.v) == numbers(data["signature"]), made
    if data.get("address"):
        assert signer.address == data["address"].lower()


def numbers(signature: dict[str, Any]) -> tuple[int, int, int]:
    """A signature as numbers: the SDK pads nothing."""
    return int(signature["r"], 16), int(signature["s"], 16), int(signature["v"])
