"""Signatures: what is hashed, and how the hash is signed.

An action of the exchange (an order, a cancel, a leverage) is signed in two steps. Its hash

    connection id = keccak256( msgpack(action) ‖ nonce, 8 bytes big-endian
                               ‖ 0x00, or 0x01 and the 20 bytes of the vault
                               ‖ nothing, or 0x00 and expiresAfter, 8 bytes big-endian )

is put into a phantom agent `{source: "a" on the main net or "b", connectionId}` and that into the EIP-712 hash of the
domain `Exchange`, version 1, chain 1337. The order of keys in the action is part of what is hashed. A wrong hash is not
told as a bad signature: the venue recovers another address and says that this one does not exist.

Actions that move money are signed in clear (EIP-712, domain `HyperliquidSignTransaction`). Kedge sends none; the hash
is here because the gateway's vectors cover it and a tool that approves an agent key needs it.

Sources: Hyperliquid API documentation, "Signing"; EIP-712; msgpack specification (integers and lengths in their
shortest form, as `msgspec.msgpack` and `msgpack-python` both write them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from kedge.model.errors import ConfigError, OurBug
from kedge.model.secret import Secret

MAINNET_SOURCE: Final = "a"
TESTNET_SOURCE: Final = "b"

_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})", re.ASCII)
_PRIVATE_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT_TYPE = "Agent(string source,bytes32 connectionId)"
_EXCHANGE_CHAIN = 1337


class Signature(Struct, frozen=True, gc=False):
    """An ECDSA signature over secp256k1; `v` is 27 or 28."""

    r: int
    s: int
    v: int

    def to_wire(self) -> dict[str, str | int]:
        """As it stands in a request: 32 bytes each, zero-padded."""
        return {"r": f"0x{self.r:064x}", "s": f"0x{self.s:064x}", "v": self.v}


class Signer:
    """Signs with one private key; the key itself is never shown."""

    __slots__ = ("_key", "address")

    def __init__(self, private_key: Secret) -> None:
        try:
            from coincurve import PrivateKey
        except ImportError:
            raise ConfigError(
                "Hyperliquid signs with the extra evm, which is missing; pip install 'kedge[evm]'"
            ) from None
        found = _PRIVATE_KEY.fullmatch(private_key.reveal().strip())
        if found is None:
            raise ConfigError("the private key is not 32 bytes in hexadecimal; give the key of the agent (API) wallet")
        try:
            self._key = PrivateKey(bytes.fromhex(found[1]))
        except ValueError:
            raise ConfigError("the private key is not on the curve; give the key of the agent (API) wallet") from None
        public = self._key.public_key.format(compressed=False)[1:]
        self.address = "0x" + keccak(public)[12:].hex()

    def sign(self, digest: bytes) -> Signature:
        """The signature of a 32-byte hash; the same each time (RFC 6979)."""
        whole = self._key.sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(whole[:32]), int.from_bytes(whole[32:64]), whole[64] + 27)

    def __repr__(self) -> str:
        return f"Signer({self.address})"


def keccak(data: bytes) -> bytes:
    """Keccak-256, as it was before SHA-3 changed the padding."""
    try:
        from Crypto.Hash import keccak as hashes
    except ImportError:
        raise ConfigError("Hyperliquid signs with the extra evm, which is missing; pip install 'kedge[evm]'") from None
    digest: bytes = hashes.new(digest_bits=256, data=data).digest()
    return digest


def address_bytes(address: str, what: str = "address") -> bytes:
    """The 20 bytes of an address written in hexadecimal, with or without 0x."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigError(f"{what} is {address!r:.60}; it must be 20 bytes in hexadecimal, such as 0x1719…75ea")
    return bytes.fromhex(found[1])


def connection_id(
    action: Mapping[str, Any], nonce: int, vault_address: str | None = None, expires_after: int | None = None
) -> bytes:
    """The hash of an action with its nonce (ms), the vault it is for, and the moment (ms) it expires."""
    data = msgspec.msgpack.encode(action) + nonce.to_bytes(8)
    data += b"\x00" if vault_address is None else b"\x01" + address_bytes(vault_address, "vault address")
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8)
    return keccak(data)


def agent_digest(connection: bytes, mainnet: bool) -> bytes:
    """What is signed of an action: the phantom agent's EIP-712 hash."""
    source = MAINNET_SOURCE if mainnet else TESTNET_SOURCE
    agent = keccak(keccak(_AGENT_TYPE.encode()) + keccak(source.encode()) + connection)
    return keccak(b"\x19\x01" + _domain("Exchange", _EXCHANGE_CHAIN) + agent)


def user_digest(primary_type: str, fields: Sequence[tuple[str, str]], message: Mapping[str, Any]) -> bytes:
    """What is signed of an action in clear: `fields` are name and type in order, the chain is in the message."""
    declared = f"{primary_type}({','.join(f'{kind} {name}' for name, kind in fields)})"
    body = keccak(declared.encode()) + b"".join(_word(message[name], kind) for name, kind in fields)
    chain = int(str(message["signatureChainId"]), 16)
    return keccak(b"\x19\x01" + _domain("HyperliquidSignTransaction", chain) + keccak(body))


def _domain(name: str, chain: int) -> bytes:
    words = (keccak(name.encode()), keccak(b"1"), chain.to_bytes(32), bytes(32))
    return keccak(keccak(_DOMAIN_TYPE.encode()) + b"".join(words))


def _word(value: Any, kind: str) -> bytes:
    """One field in 32 bytes (EIP-712, encodeData)."""
    if kind == "string":
        return keccak(str(value).encode())
    if kind == "bool":
        return int(bool(value)).to_bytes(32)
    if kind == "address":
        return address_bytes(str(value)).rjust(32, b"\x00")
    if kind == "bytes32":
        return bytes.fromhex(str(value).removeprefix("0x"))
    if kind.startswith("uint"):
        return int(value).to_bytes(32)
    raise OurBug(f"no encoding of the EIP-712 type {kind!r} is written")
