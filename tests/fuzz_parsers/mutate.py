"""Mutations of JSON messages, drawn from a seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

import msgspec

#: Values that break things elsewhere.
NONSENSE: tuple[Any, ...] = (
    *("NaN", "sNaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "1e999999999", "1e-999999999", "-1", "-0", "+1"),
    *("0", "00", "0.0", ".5", "5.", "1_000", " 1", "1 ", "1\n", "0x10", "１２", "١٢", "1,5", "--1", "1e5", "1E+5"),
    *(
        "9" * 40,
        "0." + "0" * 60 + "1",
        "1" * 5_000,
        "",
        " ",
        "\x00",
        "null",
        "true",
        "𝟙",
        "\u202e1",
        "BUY",
        "SELL",
        "NEW",
    ),
    *(0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 1.5, -0.5, 1e308, 5e-324),
    *(None, True, False, [], {}, [[]], [None], {"": None}, [["1", "2"]], ["1", "2"], {"e": "trade"}, [[[[[[[[]]]]]]]]),
)

_DEEP = b"[" * 3_000


def mutate(seeds: Sequence[bytes], dice: Random) -> bytes:
    """One mutated message."""
    seed = seeds[dice.randrange(len(seeds))]
    roll = dice.random()
    if roll < 0.65:
        return _structure(seed, dice)
    if roll < 0.95:
        return _bytes(seed, dice)
    if roll < 0.99:
        return _splice(seed, seeds[dice.randrange(len(seeds))], dice)
    return _DEEP if roll < 0.995 else seed


def _nonsense(dice: Random) -> Any:
    value = NONSENSE[dice.randrange(len(NONSENSE))]
    return deepcopy(value) if isinstance(value, list | dict) else value


def _structure(seed: bytes, dice: Random) -> bytes:
    try:
        tree = msgspec.json.decode(seed)
    except msgspec.DecodeError:
        return _bytes(seed, dice)
    for _ in range(1 + (dice.random() < 0.25)):
        tree = _touch(tree, dice)
    return msgspec.json.encode(tree)


def _touch(tree: Any, dice: Random) -> Any:
    parent, key = _place(tree, dice)
    if parent is None:
        return _nonsense(dice)
    value, roll = parent[key], dice.random()
    if roll < 0.55:
        parent[key] = _nonsense(dice)
    elif roll < 0.70:
        parent[key] = _other_type(value)
    elif roll < 0.80:
        del parent[key]
    elif roll < 0.85 and isinstance(value, str) and value:
        at = dice.randrange(len(value))
        parent[key] = value[:at] + chr(dice.randrange(32, 127)) + value[at + 1 :]
    elif roll < 0.90 and isinstance(parent, list):
        parent.append(value)
    elif roll < 0.95:
        parent[key] = [value] if dice.random() < 0.5 else {"x": value}
    elif isinstance(parent, dict):
        parent[f"unknown{dice.randrange(3)}"] = _nonsense(dice)
    return tree


def _place(tree: Any, dice: Random) -> tuple[Any, Any]:
    """A random place in the tree: its parent and key."""
    parent, key, node = None, None, tree
    while isinstance(node, dict | list) and node and (parent is None or dice.random() < 0.85):
        keys = list(node) if isinstance(node, dict) else range(len(node))
        parent, key = node, keys[dice.randrange(len(keys))]
        node = parent[key]
    return parent, key


def _other_type(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            return [value]
    if isinstance(value, int | float):
        return str(value)
    return msgspec.json.encode(value).decode()


def _bytes(seed: bytes, dice: Random) -> bytes:
    data = bytearray(seed)
    for _ in range(1 + int(dice.expovariate(1))):
        at = dice.randrange(len(data)) if data else 0
        roll = dice.random()
        if roll < 0.35 and data:
            data[at] = dice.randrange(256)
        elif roll < 0.55:
            del data[at : at + 1 + dice.randrange(8)]
        elif roll < 0.75:
            data[at:at] = bytes(dice.randrange(256) for _ in range(1 + dice.randrange(4)))
        elif roll < 0.9:
            data = data[:at]
        else:
            data[at:at] = data[at : at + dice.randrange(64)]
    return bytes(data)


def _splice(one: bytes, other: bytes, dice: Random) -> bytes:
    return one[: dice.randrange(len(one) + 1)] + other[dice.randrange(len(other) + 1) :]
