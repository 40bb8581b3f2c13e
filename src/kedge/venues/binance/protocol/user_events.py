"""The events of the user streams as they are written; what they mean is `user_stream`'s business.

Names of one letter are the venue's. Fields that are not here are passed over.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class Head(Struct):
    """What every event begins with; spot wraps it in `event`, a combined stream in `data`."""

    e: str = ""
    event: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    subscriptionId: int | None = None  # noqa: N815


class Report(Struct):
    """One order, as either venue tells it."""

    s: str
    c: str
    S: str
    o: str
    q: str
    x: str
    X: str
    i: int
    l: str  # noqa: E741  (the venue's name)
    z: str
    L: str
    T: int
    C: str = ""
    p: str = "0"
    r: str = "NONE"
    n: str | None = None
    N: str | None = None
    t: int = -1
    m: bool = False


class Execution(Report, kw_only=True):
    """Spot: `E` is the event's time, `T` the transaction's."""

    e: str = ""
    E: int = 0


class OrderUpdate(Struct):
    """Futures: `E` is the time of the event, `T` of the transaction."""

    E: int
    T: int
    o: Report


class Algo(Struct):
    """One conditional order; `ai` is the order that it has become, `aq` what that one has filled."""

    caid: str
    aid: int
    s: str
    X: str
    ai: str | int = ""
    aq: str = "0"
    rm: str = ""


class AlgoUpdate(Struct):
    """Futures: a conditional order changed."""

    E: int
    T: int
    o: Algo


class SpotBalance(Struct):
    """One currency: free and locked."""

    a: str
    f: str
    l: str  # noqa: E741


class Outbound(Struct):
    """Spot: balances that changed."""

    E: int
    B: list[SpotBalance]


class WalletBalance(Struct):
    """One currency of a futures wallet."""

    a: str
    wb: str
    cw: str = "0"
    bc: str = "0"


class PositionRow(Struct):
    """One position."""

    s: str
    pa: str
    ps: str = "BOTH"


class AccountPart(Struct):
    """What changed, and why."""

    m: str
    B: list[WalletBalance] = []
    P: list[PositionRow] = []


class AccountUpdate(Struct):
    """Futures: balances and positions that changed."""

    E: int
    a: AccountPart


class Leverage(Struct):
    """A leverage that was changed."""

    s: str
    l: int  # noqa: E741


class ConfigUpdate(Struct):
    """Futures: a setting of the account was changed."""

    ac: Leverage | None = None
    ai: dict[str, Any] | None = None


class Margin(Struct):
    """A position that is close to liquidation."""

    s: str
    mt: str = "CROSSED"


class MarginCall(Struct):
    """Futures: positions are close to liquidation."""

    p: list[Margin] = []


class Refusal(Struct):
    """A conditional order that could not be triggered, and why."""

    s: str = ""
    i: int = 0
    r: str = ""


class Trigger(Struct):
    """Futures: a trigger was refused."""

    o: Refusal = msgspec.field(name="or")


HEAD = msgspec.json.Decoder(Head)
EXECUTION = msgspec.json.Decoder(Execution)
ORDER_UPDATE = msgspec.json.Decoder(OrderUpdate)
ALGO_UPDATE = msgspec.json.Decoder(AlgoUpdate)
OUTBOUND = msgspec.json.Decoder(Outbound)
ACCOUNT_UPDATE = msgspec.json.Decoder(AccountUpdate)
CONFIG_UPDATE = msgspec.json.Decoder(ConfigUpdate)
MARGIN_CALL = msgspec.json.Decoder(MarginCall)
TRIGGER = msgspec.json.Decoder(Trigger)
