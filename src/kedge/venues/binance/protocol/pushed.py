"""The shapes of pushed messages, fields by the venue's names, and their decoders. What a value means is said in `streams`.

A field that is not here is passed over; one that is here and of another kind makes the message none (`exact.decode`).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Envelope(Struct):
    """What a message may be called and carry, whatever it is: an event's own name, or a stream's and its data, or an answer."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    e: str = ""
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    code: int | None = None
    msg: str = ""
    u: int | None = None
    lastUpdateId: int | None = None  # noqa: N815


class Depth(Envelope, kw_only=True):
    """Changes of a book."""

    E: int
    s: str
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    T: int = 0
    pu: int = -1


class CombinedDepth(Envelope, kw_only=True):
    """The same in the envelope of a combined stream, read in one pass. What it takes, `Envelope` and `Depth` take."""

    data: Depth  # type: ignore[assignment]


class Trade(Struct):
    """A trade, or several added up."""

    s: str
    p: str
    q: str
    T: int
    m: bool
    t: int = 0
    a: int = 0
    X: str = ""


class Ticker(Struct):
    """The best bid and ask."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str
    T: int = 0
    E: int = 0


class Bar(Struct):
    """A candle, final or not."""

    t: int
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741  (the venue's name)
    v: str
    x: bool


class Kline(Struct):
    """A candle and its market."""

    s: str
    k: Bar


class Mark(Struct):
    """A mark price and the funding to come."""

    E: int
    s: str
    p: str
    r: str = ""
    T: int = 0


class Partial(Struct):
    """The top of a book."""

    lastUpdateId: int  # noqa: N815
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


ENVELOPE = msgspec.json.Decoder(Envelope)
DEPTH = msgspec.json.Decoder(Depth)
COMBINED_DEPTH = msgspec.json.Decoder(CombinedDepth)
TRADE = msgspec.json.Decoder(Trade)
TICKER = msgspec.json.Decoder(Ticker)
KLINE = msgspec.json.Decoder(Kline)
MARK = msgspec.json.Decoder(Mark)
PARTIAL = msgspec.json.Decoder(Partial)
LIST = msgspec.json.Decoder(list[msgspec.Raw])
