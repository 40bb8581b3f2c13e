"""Who signed a request: the address that a signature gives back, from the bytes as they were received.

Hyperliquid checks no name. It hashes what was sent, recovers the public key that fits the signature, and looks that
address up; a request hashed otherwise than its sender meant is simply someone else's. Written from the documentation
and EIP-712, without any of our signing code.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from coincurve import PublicKey
from Crypto.Hash import keccak

#: Actions that are signed in clear: primary type and fields.
CLEAR: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "usdSend": ("UsdSend", (("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "withdraw3": ("Withdraw", (("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "spotSend": (
        "SpotSend",
        (("destination", "string"), ("token", "string"), ("amount", "string"), ("time", "uint64")),
    ),
    "usdClassTransfer": ("UsdClassTransfer", (("amount", "string"), ("toPerp", "bool"), ("nonce", "uint64"))),
    "approveAgent": ("ApproveAgent", (("agentAddress", "address"), ("agentName", "string"), ("nonce", "uint64"))),
    "approveBuilderFee": (
        "ApproveBuilderFee",
        (("maxFeeRate", "string"), ("builder", "address"), ("nonce", "uint64")),
    ),
}
_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT = b"Agent(string source,bytes32 connectionId)"


def keccak256(data: bytes) -> bytes:
    """Keccak-256."""
    digest: bytes = keccak.new(digest_bits=256, data=data).digest()
    return digest


def address_of_public_key(key: PublicKey) -> str:
    """The last 20 bytes of the hash of the key's two coordinates."""
    return "0x" + keccak256(key.format(compressed=False)[1:])[-20:].hex()


def signers(body: dict[str, Any]) -> list[str]:
    """The addresses that may have signed a request: on the main net or (what the SDKs take any other URL for) the test
    net. A signature that is none gives nobody.
    """
    action = body["action"]
    if isinstance(action, dict) and action.get("type") in CLEAR:
        return _recovered([_clear_hash(action)], body["signature"])
    connection = _connection(action, body["nonce"], body.get("vaultAddress"), body.get("expiresAfter"))
    return _recovered([_agent_hash(source, connection) for source in (b"a", b"b")], body["signature"])


def pack(value: Any) -> bytes:
    """MessagePack of what JSON can hold, in the shortest forms."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        text = value.encode()
        return _head(len(text), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + text
    if isinstance(value, list):
        return _head(len(value), 0x90, 16, (None, 0xDC, 0xDD)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        pairs = b"".join(pack(key) + pack(entry) for key, entry in value.items())
        return _head(len(value), 0x80, 16, (None, 0xDE, 0xDF)) + pairs
    raise TypeError(f"JSON holds no {type(value).__name__}")


def _integer(value: int) -> bytes:
    if 0 <= value < 128:
        return bytes([value])
    if -32 <= value < 0:
        return bytes([256 + value])
    bits = value.bit_length() if value > 0 else (-value - 1).bit_length() + 1
    for place, width in enumerate((1, 2, 4, 8)):
        if bits <= 8 * width:
            return bytes([(0xCC if value > 0 else 0xD0) + place]) + value.to_bytes(width, "big", signed=value < 0)
    raise ValueError(f"{value} does not fit 64 bits")


def _head(length: int, short: int, below: int, longer: tuple[int | None, int, int]) -> bytes:
    if length < below:
        return bytes([short | length])
    for head, width in zip(longer, (1, 2, 4), strict=True):
        if head is not None and length < 1 << 8 * width:
            return bytes([head]) + length.to_bytes(width, "big")
    raise ValueError(f"{length} is too long")


def _connection(action: Any, nonce: int, vault: str | None, expires: int | None) -> bytes:
    parts = [pack(action), struct.pack(">Q", nonce)]
    parts.append(b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x")))
    if expires is not None:
        parts.append(b"\x00" + struct.pack(">Q", expires))
    return keccak256(b"".join(parts))


def _agent_hash(source: bytes, connection: bytes) -> bytes:
    agent = keccak256(keccak256(_AGENT) + keccak256(source) + connection)
    return keccak256(b"\x19\x01" + _separator(b"Exchange", 1337) + agent)


def _clear_hash(action: dict[str, Any]) -> bytes:
    name, own = CLEAR[action["type"]]
    fields = (("hyperliquidChain", "string"), *own)
    declared = ",".join(f"{kind} {field}" for field, kind in fields)
    words = [keccak256(f"HyperliquidTransaction:{name}({declared})".encode())]
    words += [_word(action[field], kind) for field, kind in fields]
    chain = int(action["signatureChainId"], 16)
    return keccak256(b"\x19\x01" + _separator(b"HyperliquidSignTransaction", chain) + keccak256(b"".join(words)))


def _separator(name: bytes, chain: int) -> bytes:
    words = [keccak256(_DOMAIN), keccak256(name), keccak256(b"1"), chain.to_bytes(32, "big"), bytes(32)]
    return keccak256(b"".join(words))


def _word(value: Any, kind: str) -> bytes:
    if kind == "string":
        return keccak256(value.encode())
    if kind == "address":
        return bytes(12) + bytes.fromhex(value.removeprefix("0x"))
    return int(value).to_bytes(32, "big")


def _recovered(hashes: list[bytes], signature: dict[str, Any]) -> list[str]:
    found = []
    r, s, v = int(signature["r"], 16), int(signature["s"], 16), int(signature["v"])
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([(v - 27) & 0xFF])
    for digest in hashes:
        with suppress(ValueError):  # coincurve's word for what no key can have signed
            found.append(address_of_public_key(PublicKey.from_signature_and_message(raw, digest, hasher=None)))
    return found
