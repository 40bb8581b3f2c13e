"""Which column of a file means what, by the names that exchanges and libraries give them.

A name is compared in lower case with its words joined by `_`, so `openTime`, `Open time` and `<OPEN_TIME>` are one.
Where two columns could both be the same thing the file is refused rather than guessed at; only for the time is
there an order of preference, because dumps often carry the same moment twice (`unix`, `date`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kedge.model.errors import DataError
from kedge.storage.instants import ns_of_text


class ValueKind(StrEnum):
    """How the text of a column is read."""

    TIME = "time"
    NUMBER = "number"
    TEXT = "text"


class Field(Struct, frozen=True):
    """One thing a file must (or may) tell, and the names it goes by, best first.

    `cut`: digits too fine for an int64 are cut off, with a note, instead of being refused.
    """

    role: str
    kind: ValueKind
    names: tuple[str, ...]
    needed: bool = True
    cut: bool = False


class Picked(Struct, frozen=True):
    """A column of the file chosen for a role; `unit` is the time unit its name states."""

    role: str
    kind: ValueKind
    index: int
    name: str
    unit: str | None = None
    cut: bool = False


_TIME_NAMES = (
    *(
        "open_time",
        "time_open",
        "open_timestamp",
        "start_time",
        "candle_begin_time",
        "timestamp",
        "unix_timestamp",
    ),
    *("unix_time", "unix", "epoch", "ts", "t", "transact_time", "trade_time", "funding_time", "calc_time"),
    *("datetime", "date_time", "time", "date", "index", "unnamed_0", ""),
)
_TIME = Field("time", ValueKind.TIME, _TIME_NAMES)
_VOLUME_NAMES = ("volume", "vol", "v", "base_volume", "volume_base", "base_asset_volume", "base_vol")

CANDLE_FIELDS = (
    _TIME,
    Field("open", ValueKind.NUMBER, ("open", "o", "open_price", "price_open")),
    Field("high", ValueKind.NUMBER, ("high", "h", "high_price", "price_high")),
    Field("low", ValueKind.NUMBER, ("low", "l", "low_price", "price_low")),
    Field("close", ValueKind.NUMBER, ("close", "c", "close_price", "price_close")),
    Field("volume", ValueKind.NUMBER, _VOLUME_NAMES, cut=True),
)
MARK_CANDLE_FIELDS = CANDLE_FIELDS[:-1]
TRADE_FIELDS = (
    _TIME,
    Field("price", ValueKind.NUMBER, ("price", "p")),
    Field("quantity", ValueKind.NUMBER, ("quantity", "qty", "amount", "size", "q", "base_qty")),
    Field("side", ValueKind.TEXT, ("side", "aggressor_side", "taker_side"), needed=False),
    Field("buyer_is_maker", ValueKind.TEXT, ("is_buyer_maker", "buyer_is_maker", "m"), needed=False),
    Field("trade_id", ValueKind.TEXT, ("trade_id", "id", "agg_trade_id", "tid"), needed=False),
)
QUOTE_FIELDS = (
    _TIME,
    Field("bid", ValueKind.NUMBER, ("bid", "bid_price", "best_bid_price", "best_bid")),
    Field("ask", ValueKind.NUMBER, ("ask", "ask_price", "best_ask_price", "best_ask")),
    Field("bid_size", ValueKind.NUMBER, ("bid_size", "bid_qty", "bid_quantity", "best_bid_qty", "bid_amount")),
    Field("ask_size", ValueKind.NUMBER, ("ask_size", "ask_qty", "ask_quantity", "best_ask_qty", "ask_amount")),
)
FUNDING_FIELDS = (
    _TIME,
    Field("rate", ValueKind.NUMBER, ("funding_rate", "rate", "last_funding_rate", "fundingrate")),
)

#: A volume named after its currency (`volume_btc`) counts unless the currency is one that quotes.
_QUOTING = frozenset({"usd", "usdt", "usdc", "busd", "fdusd", "eur", "gbp", "jpy", "quote", "notional", "ma"})
_UNIT_SUFFIX = re.compile(
    r"_(?:(?P<s>s|sec|secs|seconds)|(?P<ms>ms|millis|milliseconds)|(?P<us>us|micros|microseconds)|"
    r"(?P<ns>ns|nanos|nanoseconds))$"
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)

_HEADERLESS = {
    6: ("open_time", "open", "high", "low", "close", "volume"),
    12: (
        *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count"),
        *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    ),
}


def is_number(text: str) -> bool:
    """Whether `text` is a plain decimal number, perhaps with an exponent of up to three digits."""
    return _NUMBER.fullmatch(text) is not None


def plain_name(name: str) -> str:
    """`name` in lower case with its words joined by `_`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")


def headerless_names(row: Sequence[str], path: str) -> tuple[str, ...] | None:
    """The column names of a file whose first line is already data; `None` where that line is a header."""
    if len(row) < 2 or not all(is_number(text) for text in row[1:]):
        return None
    if not is_number(row[0]):
        try:
            ns_of_text(row[0])
        except ValueError:
            return None
    names = _HEADERLESS.get(len(row))
    if names is None:
        raise DataError(
            f"{path}: line 1 has {len(row)} numbers and no column names; add a header line such as "
            "open_time_ms,open,high,low,close,volume"
        )
    first = [Decimal(text) for text in row[1:5]]
    if not (first[1] == max(first) and first[2] == min(first)):
        raise DataError(
            f"{path}: line 1 has no column names and is not time,open,high,low,close,volume "
            f"(high {row[2]}, low {row[3]}); add a header line"
        )
    return names


def pick(names: Sequence[str], fields: Sequence[Field], path: str) -> list[Picked]:
    """The column for each field; a needed one that is missing, or told twice, is a `DataError`."""
    plain = [plain_name(name) for name in names]
    return [picked for field in fields if (picked := _pick(names, plain, field, path)) is not None]


def _pick(names: Sequence[str], plain: Sequence[str], field: Field, path: str) -> Picked | None:
    ranked: list[tuple[int, int, str | None]] = []
    for index, full in enumerate(plain):
        name, unit = full, None
        if field.kind is ValueKind.TIME and name not in field.names and (match := _UNIT_SUFFIX.search(name)):
            unit = match.lastgroup
            name = name[: match.start()]
        if name in field.names:
            ranked.append((field.names.index(name), index, unit))
    if field.role == "volume" and not ranked:
        ranked = [(0, at, None) for at, name in enumerate(plain) if _is_currency_volume(name)]
    if not ranked:
        if not field.needed:
            return None
        shown = ",".join(names)
        raise DataError(f"{path}: no {field.role} column among {shown[:120]!r}; name one of them {field.names[0]!r}")
    ranked.sort(key=lambda rank: rank[:2])
    best = ranked[0]
    rivals = [rank for rank in ranked[1:] if field.kind is not ValueKind.TIME or rank[0] == best[0]]
    if rivals:
        raise DataError(
            f"{path}: columns {names[best[1]]!r} and {names[rivals[0][1]]!r} (number {best[1] + 1} and "
            f"{rivals[0][1] + 1}) are both the {field.role}; rename or remove one"
        )
    return Picked(field.role, field.kind, best[1], names[best[1]], best[2], field.cut)


def _is_currency_volume(name: str) -> bool:
    return name.startswith("volume_") and name.count("_") == 1 and name.removeprefix("volume_") not in _QUOTING
