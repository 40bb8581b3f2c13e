"""Fire: mutated messages at parsers, and what became of each."""

from __future__ import annotations

import importlib
import importlib.util
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kedge.model.errors import VenueError
from tests.fuzz_parsers.mutate import mutate
from tests.fuzz_parsers.sanity import Insane, judge

VENUES = ("binance", "hyperliquid", "coinbase")

#: CPU seconds that one message may take.
SECONDS_MAX = 1.0


@dataclass(frozen=True)
class Parser:
    """One parser of one venue: real messages, what reads them, and what else its answers must hold."""

    name: str
    seeds: Sequence[bytes]
    parse: Callable[[bytes], Any]
    holds: Callable[[Any], None] = judge


@dataclass(frozen=True)
class Failure:
    """One message that a parser did not survive, or whose nonsense it believed."""

    parser: str
    message: bytes
    what: str


@dataclass
class Tally:
    """What became of the messages of one parser."""

    parser: str
    read: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    failures: list[Failure] = field(default_factory=list)


def parsers(names: Sequence[str] = ()) -> list[Parser]:
    """The parsers registered, or those whose name begins with one of `names`."""
    found: list[Parser] = []
    for venue in VENUES:
        module = f"tests.fuzz_parsers.{venue}"
        if importlib.util.find_spec(module) is not None:
            found.extend(importlib.import_module(module).PARSERS)
    return [one for one in found if not names or one.name.startswith(tuple(names))]


def fire(parser: Parser, messages: int, seed: int, failures_max: int = 20) -> Tally:
    """Send `messages` mutated messages at a parser."""
    dice, tally = Random(f"{parser.name}-{seed}"), Tally(parser.name)
    for _ in range(messages):
        message = mutate(parser.seeds, dice)
        begun = time.process_time()
        try:
            answer = parser.parse(message)
        except VenueError:
            tally.refused += 1
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what we look for)
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}: {error}"
            tally.failures.append(Failure(parser.name, message, what))
        else:
            tally.read += 1
            try:
                parser.holds(answer)
            except Insane as nonsense:
                tally.failures.append(Failure(parser.name, message, f"accepted: {nonsense}"))
        took = time.process_time() - begun
        tally.slowest_s = max(tally.slowest_s, took)
        if took > SECONDS_MAX:
            tally.failures.append(Failure(parser.name, message, f"took {took:.1f} s"))
        if len(tally.failures) >= failures_max:
            break
    return tally
