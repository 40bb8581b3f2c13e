"""Canonical JSON against an independent writer, `json.dumps`, and a list of what is refused."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kedge.journal import EncodeRefused, encode_body
from kedge.journal.canonical import DEPTH_MAX, decimal_text, is_canonical, plain


class Fee(msgspec.Struct, frozen=True):
    amount: Decimal
    currency: str


class Side(StrEnum):
    BUY = "buy"


class Level(IntEnum):
    LOW = 1


class Fill(msgspec.Struct, frozen=True):
    price: Decimal
    quantity: Decimal
    symbol: str
    n: int
    maker: bool
    fees: tuple[Fee, ...] = ()
    side: Side = Side.BUY
    note: str | None = None
    more: dict[str, Any] = {}


decimals = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda digits, exponent, sign: Decimal((sign, digits, exponent)),
    st.lists(st.integers(0, 9), min_size=1, max_size=20).map(tuple),
    st.integers(-30, 30),
    st.integers(0, 1),
)
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", "1.50", "1E+3", "-0", "NaN", "Infinity", "\x7f", '"', "\\", "\\u0041", " ", "é", "\U0001f600"]
)
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts | decimals
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
bodies = st.dictionaries(texts, values, max_size=6)
fills = st.builds(
    Fill,
    price=decimals,
    quantity=decimals,
    symbol=texts,
    n=st.integers(),
    maker=st.booleans(),
    fees=st.lists(st.builds(Fee, amount=decimals, currency=texts), max_size=3).map(tuple),
    note=st.none() | texts,
    more=bodies,
)


def naive(value: Any) -> Any:
    """The plain value that `json.dumps` may write: the oracle's own idea of a decimal's text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: naive(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [naive(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return {name: naive(getattr(value, name)) for name in value.__struct_fields__}
    return value


def dumped(value: Any) -> bytes:
    return json.dumps(naive(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@given(bodies)
@example({"a": Decimal("1E+3"), "b": Decimal("-0.00"), "c": Decimal("1.50"), "d": Decimal("0E-12")})
@example({"é": 1, "z": 2, "\U0001f600": 3, "\uffff": 4})
def test_a_dict_is_written_as_json_dumps_would(body: dict[str, Any]) -> None:
    assert encode_body(body) == dumped(body)


@given(fills)
def test_a_struct_is_written_as_json_dumps_would(fill: Fill) -> None:
    assert encode_body(fill) == dumped(fill)


@given(fills)
def test_what_is_written_is_ascii_on_one_line_canonical_and_reads_back_equal(fill: Fill) -> None:
    body = encode_body(fill)
    assert body.isascii()
    assert min(body) >= 32
    assert is_canonical(body)
    back = msgspec.json.decode(body, type=Fill)
    assert (back.price, back.quantity, back.symbol, back.n) == (fill.price, fill.quantity, fill.symbol, fill.n)
    assert plain(body)["fees"] == naive(fill)["fees"]


@given(decimals)
def test_a_decimal_keeps_its_digits(number: Decimal) -> None:
    text = decimal_text(number)
    assert Decimal(text).as_tuple() == number.as_tuple()
    assert encode_body({"a": number}) == b'{"a":"%b"}' % text.encode()


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2, max_size=8), st.randoms())
def test_the_order_in_which_a_dict_was_filled_does_not_show(body: dict[str, int], dice: Any) -> None:
    keys = list(body)
    dice.shuffle(keys)
    assert encode_body({key: body[key] for key in keys}) == encode_body(body)


def test_enums_are_written_by_value() -> None:
    assert encode_body({"side": Side.BUY, "level": Level.LOW}) == b'{"level":1,"side":"buy"}'


class Color(Enum):
    RED = 0.5


class Secret:
    def __init__(self, text: str) -> None:
        self.text = text


class ApiSecret(Secret):
    pass


class Text(str):
    __slots__ = ()


class Arrayed(msgspec.Struct, array_like=True):
    a: int


class Loose(msgspec.Struct):
    value: Any


REFUSED: list[Any] = [
    1.5, float("nan"), float("inf"), -0.0, Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"),
    Decimal("sNaN"), b"bytes", {1, 2}, frozenset({1}), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.timedelta(1),
    Color.RED, Secret("x"), ApiSecret("x"), Text("x"), object(), 1j, "\ud800", {1: "int key"}, {None: 1},
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: f"{type(value).__name__}-{str(value)[:12]!a}")
@pytest.mark.parametrize("shape", ["field", "dict", "list", "deep"])
def test_h25_floats_and_whatever_has_no_exact_text_are_refused(value: Any, shape: str) -> None:
    body: Any = {
        "field": Loose(value),
        "dict": {"a": value},
        "list": {"a": [1, value]},
        "deep": Loose({"a": [Loose((1, [value]))]}),
    }[shape]
    with pytest.raises(EncodeRefused):
        encode_body(body)


def test_a_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(EncodeRefused, match=r"Loose\.value is a Secret") as refusal:
        encode_body(Loose(Secret("hunter2-hunter2")))
    assert "hunter2" not in str(refusal.value)


def test_a_secret_is_refused_whatever_it_is_made_of() -> None:
    sealed = msgspec.defstruct("Secret", [("text", str)])("hunter2-hunter2")
    derived = msgspec.defstruct("Key", [], bases=(type(sealed),))("hunter2-hunter2")
    for secret in (sealed, derived, type("Secret", (tuple,), {})(["hunter2-hunter2"])):
        for body in (secret, Loose(secret), {"a": secret}, {"a": [secret]}):
            with pytest.raises(EncodeRefused) as refusal:
                encode_body(body)
            assert "hunter2" not in str(refusal.value)


def test_a_float_is_refused_although_a_decimal_was_seen_in_its_place_before() -> None:
    assert encode_body(Loose(Decimal("1.5"))) == b'{"value":"1.5"}'
    with pytest.raises(EncodeRefused, match=r"Loose\.value is a float"):
        encode_body(Loose(1.5))


@pytest.mark.parametrize("body", [[1], 1, None, "x", Arrayed(1)])
def test_a_body_is_an_object(body: Any) -> None:
    with pytest.raises(EncodeRefused):
        encode_body(body)


def test_depth_and_length_are_bounded() -> None:
    deep: Any = 1
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(EncodeRefused, match="nested deeper"):
        encode_body({"a": deep})
    with pytest.raises(EncodeRefused, match="1000000"):
        encode_body({"a": "x" * 1_000_000})


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1.0}', b'{"a":1e5}', b'{"a":NaN}', b'{"a":Infinity}', b'{"b":1,"a":1}', b'{"a":1,"a":1}', b'{"a": 1}',
        b'{"a":-0}', b'{"a":01}', b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'{"a":"\xc3\xa9"}', b'{"a":"\x7f"}', b'{"a":1} ',
        b'{"a":1', b"", b'{"a":"\\u00E9"}', b'{"a":"\\u000a"}', b'{"a":"\\ud800"}x', b"[" * 100_000,
    ],
)  # fmt: skip
def test_other_ways_to_write_a_value_are_not_canonical(text: bytes) -> None:
    assert not is_canonical(text)


@given(bodies)
def test_is_canonical_agrees_with_json(body: dict[str, Any]) -> None:
    assert is_canonical(dumped(body))
    spaced = json.dumps(naive(body), sort_keys=True).encode()
    assert is_canonical(spaced) == (spaced == dumped(body))
