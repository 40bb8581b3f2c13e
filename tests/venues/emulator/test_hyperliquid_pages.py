"""The Hyperliquid emulator against what others recorded and published: fields of its pages, and signatures it must know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kedge.venues.emulator.hyperliquid import recover
from tests.venues.emulator.test_hyperliquid import GTC, IOC, Client, limit

#: What recordings of 2023 have and the venue no longer says, or the emulator has nothing to say of.
GONE = {"maxTradeSzs"}
VECTORS = ("signing_hyperliquid_l1", "signing_hyperliquid_l1_generated", "signing_hyperliquid_user")


def cases(shared: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "venues" / "vectors" / f"{name}.json").read_text())["cases"]
    return found


@pytest.mark.parametrize("name", VECTORS)
def test_every_published_signature_is_recovered(shared: Path, name: str) -> None:
    recovered = 0
    for case in cases(shared, name):
        if not case.get("signature"):
            continue
        if "primary_type" in case:
            fields = ",".join(f"{field['type']} {field['name']}" for field in case["types"])
            words = [recover.keccak256(f"{case['primary_type']}({fields})".encode())]
            words += [recover._word(case["message"][field["name"]], field["type"]) for field in case["types"]]
            chain = int(case["message"]["signatureChainId"], 16)
            separator = recover._separator(b"HyperliquidSignTransaction", chain)
            digest = recover.keccak256(b"\x19\x01" + separator + recover.keccak256(b"".join(words)))
            found = recover._recovered([digest], case["signature"])
        else:
            body = {"action": case["action"], "nonce": case["nonce"], "signature": case["signature"]}
            body |= {"vaultAddress": case["vault_address"], "expiresAfter": case["expires_after"]}
            found = recover.signers(body)
        assert case["address"].lower() in found, case["name"]
        recovered += 1
    assert recovered


def busy() -> Client:
    """An account with a position, fills and orders of each kind."""
    at = Client()
    bid, ask = at.best("BTC", asks=False), at.best("BTC", asks=True)
    stop = {"trigger": {"isMarket": True, "triggerPx": str(int(bid - 500)), "tpsl": "sl"}}
    at.order(
        limit(0, True, ask, "0.1", IOC), limit(0, True, bid - 100, "0.1", GTC), limit(0, False, bid - 600, "0.1", stop)
    )
    at.order(limit(0, True, bid - 50, "0.1", IOC))
    return at


def missing(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Fields that are in a recorded answer and not in ours, or are of another type."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            return [f"{path} is no object"]
        absent = [f"{path}.{key}" for key in theirs if key not in ours and key not in GONE]
        both = (missing(value, ours[key], f"{path}.{key}") for key, value in theirs.items() if key in ours)
        return absent + [each for found in both for each in found]
    if isinstance(theirs, list):
        if not isinstance(ours, list):
            return [f"{path} is no list"]
        return missing(theirs[0], ours[0], f"{path}[0]") if theirs and ours else []
    if theirs is None or ours is None or type(theirs) is type(ours):
        return []
    return [f"{path} is {ours!r}, recorded {theirs!r}"]


def test_answers_have_the_fields_of_those_recorded(shared: Path) -> None:
    at = busy()
    at.wait(3_700)  # with an hour's funding
    seen = 0
    for case in cases(shared, "captures_hyperliquid_info"):
        request, recorded = case["request"], case["response"]
        if request["type"] in {"delegatorHistory", "portfolio", "userNonFundingLedgerUpdates"} or not recorded:
            continue
        asked = {"user": at.user, "coin": "BTC", "startTime": 0, "interval": "1h"}
        fields = {name: asked.get(name, value) for name, value in request.items() if name not in {"type", "endTime"}}
        if "req" in fields:
            fields["req"] = {"coin": "BTC", "interval": "1h", "startTime": 0, "endTime": 2**41}
        ours = at.ask(request["type"], **fields)
        if request["type"] == "userRole":
            assert set(ours) == {"role"}
            continue
        assert ours, request["type"]
        assert missing(recorded, ours) == [], request["type"]
        seen += 1
    assert seen >= 10


def test_orders_have_the_fields_of_those_recorded(shared: Path) -> None:
    at = busy()
    seen = 0
    for case in cases(shared, "responses_ccxt_hyperliquid"):
        raw, method = case["raw"], case["ccxt_method"]
        if method == "fetch_order" and raw["status"] == "order":
            oid = at.ask("openOrders", user=at.user)[0]["oid"]
            assert missing(raw, at.ask("orderStatus", user=at.user, oid=oid)) == []
        elif method == "fetch_open_orders":
            assert missing(raw, at.ask("frontendOpenOrders", user=at.user)) == []
        elif method == "fetch_orders":
            assert missing(raw, at.ask("historicalOrders", user=at.user)) == []
        else:
            continue
        seen += 1
    assert seen >= 3
