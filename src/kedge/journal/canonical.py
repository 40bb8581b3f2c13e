"""Canonical JSON: the same values have the same bytes, so that hashes and signatures mean something.

The form is what `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)` gives for a value without
floats, with every `Decimal` as its own text: the digits that it has, trailing zeros included, so that what a venue said
stays as it said it, and a decimal that is read back is the same to the last zero. There is one way to write each value and
nothing that is lossy: floats, NaN and infinities, sets, bytes, times and unknown classes are refused, by name.

msgspec writes that form directly and fast, except for text that is not ASCII. So the fast path encodes, then looks for
traces of that in the bytes, and only when it finds one does the slow path build the text anew. What msgspec would write
without complaint (a NaN float becomes `null`) is refused before, by the classes of the values: they are compared as one
tuple with the tuples seen before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from itertools import chain
from types import NoneType
from typing import Any

import msgspec
from msgspec.structs import astuple

from kedge.journal.errors import EncodeRefused
from kedge.journal.record import BODY_BYTES_MAX
from kedge.journal.redact import Redactor

DEPTH_MAX = 32

_ENCODE = msgspec.json.Encoder(order="sorted", decimal_format="string").encode
_LEAVES = frozenset((str, int, bool, NoneType, Decimal, msgspec.UnsetType))
_N, _I, _DEL, _BRACE = b"NI\x7f{"


def encode_body(value: msgspec.Struct | Mapping[str, Any], redactor: Redactor | None = None) -> bytes:
    """The canonical JSON object of a struct or a dict. EncodeRefused if there is none."""
    kind = _verdicts.get(type(value)) or _admit(type(value), "a body")
    if kind == "struct":
        # Where the classes of the fields were seen before, and none of them nests, nothing more is to be checked.
        if _nested_of.get((*map(type, astuple(value)),)) != ():  # type: ignore[arg-type]
            _check_struct(value, DEPTH_MAX)  # type: ignore[arg-type]
    elif kind == "dict":
        _check(value, DEPTH_MAX)
    else:
        raise EncodeRefused(f"a body is a struct or a dict, not {type(value).__name__}")
    try:
        body = _ENCODE(value)
    except (UnicodeEncodeError, ValueError) as error:
        raise EncodeRefused(f"a {type(value).__name__} has a text or number that JSON cannot hold: {error}") from None
    if (
        not body.isascii()
        # One byte is found several times faster than three.
        or (_N in body and body.find(b"NaN") >= 0)
        or (_I in body and body.find(b"Inf") >= 0)
        or _DEL in body
        or (redactor is not None and redactor.hits(body))
    ):
        body = _rebuilt(value, redactor)
    if len(body) > BODY_BYTES_MAX:
        raise EncodeRefused(f"a {type(value).__name__} takes {len(body)} bytes; a record may have {BODY_BYTES_MAX}")
    if body[0] != _BRACE:
        raise EncodeRefused(f"{type(value).__name__} is array_like; a body must be an object")
    return body


def decimal_text(number: Decimal) -> str:
    """The text of a decimal: the digits it has. Only finite ones are written."""
    if not number.is_finite():
        raise EncodeRefused(f"a decimal is {number}; only finite numbers are written")
    return str(number)


def canonical_json(value: object) -> bytes:
    """Canonical text of plain values (no Decimal, no float inside), whatever characters they hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


class _NotCanonical(ValueError):
    pass


def _refuse_float(text: str) -> float:
    raise _NotCanonical(text)


_DECODE = msgspec.json.Decoder(float_hook=_refuse_float).decode


def is_canonical(text: bytes) -> bool:
    """Whether JSON text is in canonical form. (Decimals are strings here and not judged.)"""
    try:
        value = _DECODE(text)
    except (msgspec.DecodeError, UnicodeDecodeError, _NotCanonical, RecursionError):
        return False
    if _ENCODE(value) == text:
        return text.isascii() and b"\x7f" not in text
    return canonical_json(value) == text


def plain(body: bytes) -> Any:
    """The dicts, lists, strings, integers, booleans and nulls of canonical text; floats are refused."""
    try:
        return _DECODE(body)
    except _NotCanonical as error:
        raise msgspec.DecodeError(f"number {error} is not an integer") from None


# -- which classes may be written -----------------------------------------------------------------------

_nested_of: dict[tuple[type, ...], tuple[int, ...]] = {}
_verdicts: dict[type, str] = {}


def _check_struct(value: msgspec.Struct, depth: int) -> None:
    values = astuple(value)
    classes = (*map(type, values),)
    nested = _nested_of.get(classes)
    if nested is None:
        for name, field in zip(value.__struct_fields__, classes, strict=True):
            _admit(field, f"{type(value).__name__}.{name}")
        nested = _nested_of[classes] = tuple(i for i, field in enumerate(classes) if _verdict(field) != "leaf")
    for i in nested:
        _check(values[i], depth - 1)


def _check(value: Any, depth: int) -> None:
    if depth <= 0:
        raise EncodeRefused(f"a value is nested deeper than {DEPTH_MAX}")
    cls = type(value)
    match _admit(cls, "a value"):
        case "struct":
            _check_struct(value, depth)
        case "dict":
            for key, item in value.items():
                if not isinstance(key, str):
                    raise EncodeRefused(f"the key of a dict is a {type(key).__name__}; use str")
                if _admit(type(item), f"dict[{key!r}]") != "leaf":
                    _check(item, depth - 1)
        case "sequence":
            if _LEAVES.issuperset(map(type, value)):
                return
            kinds = list(dict.fromkeys(map(type, value)))
            if all(_admit(kind, "an element") == "leaf" for kind in kinds):
                return
            if len(kinds) == 1 and _only_leaves(kinds[0], value):
                return
            for item in value:
                _check(item, depth - 1)


def _only_leaves(cls: type, value: Any) -> bool:
    """Whether a sequence of structs of one class holds nothing but leaves: many at once, at the speed of C."""
    if _verdicts[cls] != "struct":
        return False
    fields = dict.fromkeys(map(type, chain.from_iterable(map(astuple, value))))
    return all(_verdict(field) == "leaf" for field in fields)


def _admit(cls: type, where: str) -> str:
    verdict = _verdict(cls)
    if not verdict:
        if cls.__name__ == "Secret":
            raise EncodeRefused(f"{where} is a Secret; secrets are never written")
        raise EncodeRefused(
            f"{where} is a {cls.__name__}; "
            "write int, Decimal, str, bool, None, an enum of these, a struct, list or dict"
        )
    return verdict


def _verdict(cls: type) -> str:
    """What a class is to the encoder: "leaf", "struct", "dict", "sequence", or "" for what is refused."""
    verdict = _verdicts.get(cls)
    if verdict is None:
        verdict = _verdicts[cls] = _judge(cls)
    return verdict


def _judge(cls: type) -> str:
    if cls in _LEAVES:
        return "leaf"
    if any(base.__name__ == "Secret" for base in cls.__mro__):
        return ""
    if issubclass(cls, Enum):
        return "leaf" if all(type(member.value) in (str, int) for member in cls) else ""
    if issubclass(cls, msgspec.Struct):
        return "struct"
    if cls is dict:
        return "dict"
    return "sequence" if issubclass(cls, (list, tuple)) else ""


# -- the slow path --------------------------------------------------------------------------------------


def _rebuilt(value: Any, redactor: Redactor | None) -> bytes:
    return canonical_json(_tidied(msgspec.to_builtins(value, builtin_types=(Decimal,)), redactor))


def _tidied(value: Any, redactor: Redactor | None) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, str):
        return value if redactor is None else redactor.clean(value)
    if isinstance(value, dict):
        if redactor is not None:
            for key in value:
                redactor.refuse_key(key)
        return {key: _tidied(item, redactor) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tidied(item, redactor) for item in value]
    return value
