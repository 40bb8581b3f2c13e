"""Signatures against what the venue's SDK published, and packing against another library's."""

from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret
from kedge.venues.emulator.hyperliquid import recover
from kedge.venues.hyperliquid.protocol import actions
from kedge.venues.hyperliquid.protocol.exchange import Sender, next_nonce, signed, weight_of
from kedge.venues.hyperliquid.protocol.signing import Signer, agent_digest, connection_id, user_digest

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
DUMMY = {"type": "dummy", "num": 100_000_000_000}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=40), inner, max_size=40),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("mainnet", "r", "s", "v"),
    [
        (True, "53749d5b30552aeb2fca34b530185976545bb22d0b3ce6f62e31be961a59298",
         "755c40ba9bf05223521753995abb2f73ab3229be8ec921f350cb447e384d8ed8", 27),
        (False, "542af61ef1f429707e3c76c5293c80d01f74ef853e34b76efffcb57e574f9510",
         "17b8b32f086e8cdede991f1e2c529f5dd5297cbe8128500e00cbaf766204a613", 28),
    ],
)  # fmt: skip
def test_the_published_signature(mainnet: bool, r: str, s: str, v: int) -> None:
    made = Signer(Secret(KEY)).sign(agent_digest(connection_id(DUMMY, 0), mainnet))
    assert (made.r, made.s, made.v) == (int(r, 16), int(s, 16), v)
    assert made.to_wire()["r"] == f"0x{r:0>64}"


def test_the_order_of_keys_is_signed() -> None:
    turned = dict(reversed(DUMMY.items()))
    assert turned == DUMMY
    assert connection_id(turned, 0) != connection_id(DUMMY, 0)


def test_a_null_is_another_hash_than_nothing() -> None:
    assert connection_id({**DUMMY, "c": None}, 0) != connection_id(DUMMY, 0)


@given(JSON)
def test_what_is_hashed_is_packed_as_two_other_libraries_pack_it(value: Any) -> None:
    packed = msgspec.msgpack.encode(value)
    assert packed == msgpack.packb(value)
    assert packed == recover.pack(value)


@given(st.integers(1, 2**63), st.booleans(), st.none() | st.just("0x" + "ab" * 20), st.none() | st.integers(1, 2**63))
def test_the_emulator_recovers_who_signed(nonce: int, mainnet: bool, vault: str | None, expires: int | None) -> None:
    signer = Signer(Secret(KEY))
    action = actions.cancel([(0, nonce)])
    envelope = signed(Sender(signer, mainnet, vault or ""), action, nonce, expires)
    body = msgspec.json.decode(envelope.body)
    assert signer.address in recover.signers(body)
    body["nonce"] += 1
    assert signer.address not in recover.signers(body)


def test_an_action_in_clear_is_recovered_too() -> None:
    signer = Signer(Secret(KEY))
    action = {
        "type": "usdSend",
        "hyperliquidChain": "Testnet",
        "signatureChainId": "0x66eee",
        "destination": "0x5e9ee1089755c3435139848e47e6635505d5a13a",
        "amount": "1",
        "time": 1687816341423,
    }
    fields = [("hyperliquidChain", "string"), ("destination", "string"), ("amount", "string"), ("time", "uint64")]
    digest = user_digest("HyperliquidTransaction:UsdSend", fields, action)
    body = {"action": action, "nonce": 1687816341423, "signature": signer.sign(digest).to_wire()}
    assert recover.signers(body) == [signer.address]


@pytest.mark.parametrize("key", ["", "0x12", "zz" * 32, "0" * 64, "f" * 64])
def test_a_key_that_is_none_is_said_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Signer(Secret(key))
    assert key not in str(caught.value) or not key


def test_no_secret_is_shown() -> None:
    signer = Signer(Secret(KEY))
    envelope = signed(Sender(signer, True), DUMMY, 1)
    for shown in (repr(signer), str(signer), repr(Sender(signer, True)), repr(envelope)):
        assert KEY[2:] not in shown
        assert "signature" not in shown


@given(st.lists(st.integers(0, 2**60), min_size=2, max_size=20))
def test_nonces_never_repeat_whatever_the_clock_does(times: list[int]) -> None:
    nonces = [0]
    for now in times:
        nonces.append(next_nonce(now, nonces[-1]))
    assert nonces == sorted(set(nonces))


def test_a_batch_weighs_one_more_for_each_forty() -> None:
    assert [weight_of(actions.cancel([(0, 1)] * n)) for n in (1, 39, 40, 79, 80)] == [1, 1, 2, 2, 3]
    assert weight_of(actions.schedule_cancel(None)) == 1
