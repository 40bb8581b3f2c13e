"""Requests to `POST /exchange`: a signed action in its envelope.

The nonce is the current time in milliseconds and never one that was used: the venue keeps the hundred highest of each
signer and takes one only once. So the same bytes sent twice can never act twice, which is how an order whose answer was
lost may be sent again, and `expiresAfter` bounds how late a lost request can still act.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from kedge.model.instant import NS_PER_MS
from kedge.venues.hyperliquid.protocol.actions import Action
from kedge.venues.hyperliquid.protocol.signing import Signer, address_bytes, agent_digest, connection_id

#: Orders or cancels of a batch that cost one more unit of weight.
BATCH_PER_WEIGHT = 40


class Sender(Struct, frozen=True):
    """Who signs, on which net, and for whom: `vault_address` where it is a vault's or sub-account's (else empty)."""

    signer: Signer
    mainnet: bool
    vault_address: str = ""


class Envelope(Struct, frozen=True, gc=False):
    """A signed action as it is sent, byte for byte; it may be sent again as it stands."""

    body: bytes
    nonce: int
    weight: int
    expires_after: int | None = None

    def __repr__(self) -> str:
        return f"Envelope(nonce {self.nonce}, {len(self.body)} bytes)"


def signed(sender: Sender, action: Action, nonce: int, expires_after: int | None = None) -> Envelope:
    """The request of `action` under `nonce` (ms); it does nothing after `expires_after` (ms)."""
    vault = "0x" + address_bytes(sender.vault_address, "vault address").hex() if sender.vault_address else None
    digest = agent_digest(connection_id(action, nonce, vault, expires_after), sender.mainnet)
    body = {
        "action": action,
        "nonce": nonce,
        "signature": sender.signer.sign(digest).to_wire(),
        "vaultAddress": vault,
    }
    if expires_after is not None:
        body["expiresAfter"] = expires_after
    return Envelope(msgspec.json.encode(body), nonce, weight_of(action), expires_after)


def weight_of(action: Action) -> int:
    """What an action costs of the 1,200 units a minute of an address: one, and one more for each 40 of a batch."""
    batch = max((len(value) for value in action.values() if isinstance(value, list)), default=0)
    return 1 + batch // BATCH_PER_WEIGHT


def next_nonce(now_ns: int, last: int) -> int:
    """The nonce of a request made now: the time in milliseconds, and above the last one given."""
    return max(now_ns // NS_PER_MS, last + 1)
