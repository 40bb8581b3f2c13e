"""The codec: kinds, schema versions, upcasters; decoding validates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.journal import Codec, DecodeRefused, JournalMisused, Record, Redactor, UnknownKind, UnknownSchema
from kedge.journal.errors import EncodeRefused


class Fill(msgspec.Struct, frozen=True):
    price: Decimal
    quantity: Decimal
    symbol: str


class Halt(msgspec.Struct, frozen=True, tag=True):
    reason: str


class Other(msgspec.Struct, frozen=True):
    x: int


def record(kind: str, body: bytes, schema: int = 1) -> Record:
    return Record(at=1, body=body, cause=0, epoch=1, kind=kind, n=1, schema=schema, sha="0" * 32)


CODEC = Codec({"fill": Fill, "halt": Halt})
numbers = st.decimals(allow_nan=False, allow_infinity=False)


@given(st.builds(Fill, numbers, numbers, st.text()) | st.builds(Halt, st.text()))
def test_what_is_encoded_decodes_to_an_equal_value_of_the_same_bytes(value: Any) -> None:
    try:
        kind, schema, body = CODEC.encode(value)
    except EncodeRefused:
        return  # a lone surrogate
    back = CODEC.decode(record(kind, body, schema))
    assert back == value
    assert CODEC.encode(back)[2] == body


def test_unknown_kinds_and_schemas_are_refused_by_name() -> None:
    with pytest.raises(UnknownKind, match="Other"):
        CODEC.encode(Other(1))
    with pytest.raises(UnknownKind, match="'position'"):
        CODEC.decode(record("position", b"{}"))
    for schema in (0, 2, 99):
        with pytest.raises(UnknownSchema, match=f"schema {schema}"):
            CODEC.decode(record("halt", b'{"reason":"x","type":"Halt"}', schema))


@pytest.mark.parametrize(
    "body",
    [
        b'{"price":"1.5e0","quantity":"1","symbol":"x"}',
        b'{"price":"NaN","quantity":"1","symbol":"x"}',
        b'{"price":" 1","quantity":"1","symbol":"x"}',
        b'{"price":"1_0","quantity":"1","symbol":"x"}',
        b'{"price":1,"quantity":"1","symbol":"x"}',
        b'{"price":1.5,"quantity":"1","symbol":"x"}',
        b'{"price":"1","quantity":"1","symbol":"x","typo":1}',
        b'{"price":"1","quantity":"1"}',
        b'{"price":"1","quantity":"1","symbol":null}',
        b'{"quantity":"1","price":"1","symbol":"x"}',
        b"{}",
        b"{",
    ],
)
def test_a_body_that_no_value_would_be_written_as_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeRefused):
        CODEC.decode(record("fill", body))


class FillV3(msgspec.Struct, frozen=True):
    price: Decimal
    quantity: Decimal
    symbol: str
    maker: bool
    fee: Decimal


def test_every_older_schema_is_brought_to_the_current_one() -> None:
    codec = Codec(
        {"fill": FillV3},
        versions={"fill": 3},
        upcasters={
            ("fill", 1): lambda old: {**old, "maker": False},
            ("fill", 2): lambda old: {**old, "fee": "0"},
        },
    )
    new = FillV3(Decimal(1), Decimal(2), "BTC-USD", False, Decimal(0))
    assert codec.decode(record("fill", b'{"price":"1","quantity":"2","symbol":"BTC-USD"}', 1)) == new
    assert codec.decode(record("fill", b'{"maker":false,"price":"1","quantity":"2","symbol":"BTC-USD"}', 2)) == new
    assert codec.decode(record("fill", codec.encode(new)[2], 3)) == new
    with pytest.raises(DecodeRefused):
        codec.decode(record("fill", b'{"price":1.5,"quantity":"2","symbol":"BTC-USD"}', 1))
    with pytest.raises(DecodeRefused):
        codec.decode(record("fill", b'{"price":"NaN","quantity":"2","symbol":"BTC-USD"}', 1))
    with pytest.raises(UnknownSchema):
        codec.decode(record("fill", b"{}", 4))


def test_a_table_with_a_hole_is_refused_when_it_is_made() -> None:
    with pytest.raises(JournalMisused, match="no upcaster from 2"):
        Codec({"fill": Fill}, versions={"fill": 3}, upcasters={("fill", 1): dict})
    with pytest.raises(JournalMisused, match="leads nowhere"):
        Codec({"fill": Fill}, upcasters={("fill", 1): dict})
    with pytest.raises(JournalMisused, match="unknown kinds"):
        Codec({"fill": Fill}, versions={"fil": 2})
    with pytest.raises(JournalMisused, match="as fill and as trade"):
        Codec({"fill": Fill, "trade": Fill})
    with pytest.raises(EncodeRefused, match="kind is 'a b'"):
        Codec({"a b": Fill})


def test_the_codec_redacts() -> None:
    codec = Codec({"halt": Halt}, redactor=Redactor(["canary-0123456789"]))
    assert codec.encode(Halt("bad key canary-0123456789"))[2] == b'{"reason":"bad key ***","type":"Halt"}'
