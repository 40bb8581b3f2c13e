"""`StrategyRegistry`: runs strategies, each for itself.

A fact goes to the strategies that asked for its symbol and define the hook, in the order of registration.
What a strategy returns carries its name. A strategy that raises is disabled; the others go on. Warm-up: a
strategy's wishes are dropped until its symbols have shown the candles that it asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import structs

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.view import View
from kedge.model.errors import StrategyError
from kedge.model.facts import Fill, TimerFired
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderType, Side, TimeInForce
from kedge.model.signal import CancelOrders, Signal, SignalFields, StrategySignal, Wish

HOOKS: dict[type, str] = {
    Candle: "on_candle",
    Trade: "on_trade",
    Quote: "on_quote",
    OrderBook: "on_book",
    MarkPrice: "on_mark_price",
    FundingRate: "on_funding_rate",
}


#: Candles of a symbol that are kept for a strategy, at most.
HISTORY_MAX = 1_000_000


class Failure:
    """A strategy raised: its name and what it said."""

    __slots__ = ("reason", "strategy")

    def __init__(self, strategy: str, reason: str) -> None:
        self.strategy = strategy
        self.reason = reason


class Entry:
    """A registered strategy: its hooks, its warm-up, its past candles."""

    __slots__ = ("enabled", "history", "name", "strategy", "symbols", "warming")

    def __init__(self, strategy: BaseStrategy) -> None:
        self.strategy = strategy
        self.name = strategy.name()
        self.symbols = list(strategy.required_symbols())
        self.enabled = True
        self.warming: dict[str, int] = {}
        self.history: dict[str, deque[Candle]] = {}
        self.prepare()

    def prepare(self) -> None:
        """Start over: forget the past and count the warm-up anew."""
        self.strategy.reset()
        bars = self.strategy.warmup_bars()
        self.warming = dict.fromkeys(self.symbols, bars) if bars > 0 else {}
        size = self.strategy.history
        if size > HISTORY_MAX:
            raise StrategyError(f"{self.name} has a history of {size} candles; keep {HISTORY_MAX} at most")
        self.history = {symbol: deque(maxlen=size) for symbol in self.symbols} if size > 0 else {}

    def seen(self, candle: Candle) -> None:
        """Keep a candle for the history and count it for the warm-up."""
        if self.history:
            self.history[candle.symbol].append(candle)
        left = self.warming.get(candle.symbol)
        if left is not None:
            if left > 1:
                self.warming[candle.symbol] = left - 1
            else:
                del self.warming[candle.symbol]


Reaction = tuple[Entry, Callable[[Any], Wishes], bool]
Wanted = list[tuple[str, Wish | Failure]]
NONE: Final[tuple[tuple[str, Wish | Failure], ...]] = ()


class StrategyRegistry:
    """The strategies of a session, by name."""

    def __init__(self, strategies: Iterable[BaseStrategy] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._routes: dict[type, dict[str, tuple[Reaction, ...]]] = {}
        for strategy in strategies:
            self.register(strategy)

    def register(self, strategy: BaseStrategy, view: View | None = None) -> None:
        """Add a strategy; its name must be new and it must want at least one symbol."""
        entry = Entry(strategy)
        if entry.name in self._entries:
            raise StrategyError(f"two strategies are named {entry.name}; override name() in one of them")
        if not entry.symbols:
            raise StrategyError(f"{entry.name} requires no symbols; return at least one from required_symbols()")
        if view is not None:
            strategy.view = view
        self._entries[entry.name] = entry
        self._plan()

    def enable(self, name: str) -> None:
        """Let a disabled strategy run again, from a fresh start."""
        entry = self._find(name)
        if not entry.enabled:
            entry.enabled = True
            entry.prepare()
            self._plan()

    def disable(self, name: str) -> None:
        """Give a strategy no more facts."""
        self._find(name).enabled = False
        self._plan()

    def active_strategies(self) -> list[str]:
        """Names of the strategies that get facts."""
        return [entry.name for entry in self._entries.values() if entry.enabled]

    def entries(self) -> Sequence[Entry]:
        """Every registered strategy."""
        return list(self._entries.values())

    def reads(self, kind: type) -> bool:
        """Whether any enabled strategy looks at this kind of market fact."""
        return kind in self._routes

    def route_candle(self, candle: Candle) -> list[Wish]:
        """Give a candle to the strategies of its symbol; each signal carries its strategy's name."""
        wanted: list[Wish] = []
        for name, wish in self.react(candle):
            if isinstance(wish, Failure):
                self.disable(name)
            elif isinstance(wish, Signal):
                wanted.append(StrategySignal(**structs.asdict(wish), strategy=name))
            else:
                wanted.append(wish)
        return wanted

    def react(self, fact: Any) -> Sequence[tuple[str, Wish | Failure]]:
        """What the strategies want because of a market fact; a failure in place of a strategy's wishes where
        it raised.
        """
        by_symbol = self._routes.get(type(fact))
        if by_symbol is None:
            return NONE
        wanted: Wanted | None = None
        for entry, hook, learns in by_symbol.get(fact.symbol, ()):
            if learns and (entry.warming or entry.history):
                wanted = self._carefully(entry, hook, fact, wanted)
                continue
            try:
                wishes = hook(fact)
                if wishes:
                    wanted = _collect(entry.name, wishes, wanted)
            except Exception as error:  # noqa: BLE001  a strategy is foreign code: whatever it raises disables it, visibly
                wanted = [] if wanted is None else wanted
                wanted.append((entry.name, Failure(entry.name, _said(error))))
        return NONE if wanted is None else wanted

    def notify_timer(self, timer: TimerFired) -> Sequence[tuple[str, Wish | Failure]]:
        """Give a timer to the strategy whose name stands before the colon of its own."""
        return self.notify(timer.name.partition(":")[0], timer)

    def notify(self, name: str, fact: Fill | TimerFired) -> Sequence[tuple[str, Wish | Failure]]:
        """Give a fill or a timer to the one strategy it belongs to."""
        entry = self._entries.get(name)
        if entry is None or not entry.enabled:
            return NONE
        hook = "on_fill" if isinstance(fact, Fill) else "on_timer"
        if getattr(type(entry.strategy), hook) is getattr(BaseStrategy, hook):
            return NONE
        return self._carefully(entry, getattr(entry.strategy, hook), fact, None) or NONE

    def _carefully(
        self, entry: Entry, hook: Callable[[Any], Wishes], fact: Any, wanted: Wanted | None
    ) -> Wanted | None:
        """Call a strategy that keeps a history or is warming up: it learns, and asks in vain until it is
        warm.
        """
        if type(fact) is Candle:
            entry.seen(fact)
        try:
            wishes = hook(fact)
            if wishes and not entry.warming:
                wanted = _collect(entry.name, wishes, wanted)
        except Exception as error:  # noqa: BLE001  as above
            wanted = [] if wanted is None else wanted
            wanted.append((entry.name, Failure(entry.name, _said(error))))
        return wanted

    def _find(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise StrategyError(
                f"there is no strategy {name}; registered: {', '.join(self._entries) or 'none'}"
            ) from None

    def _plan(self) -> None:
        """Route each type of fact and symbol to the hooks that are defined, so that nothing else is
        called.
        """
        self._routes = {}
        for kind, hook in HOOKS.items():
            routes: dict[str, tuple[Reaction, ...]] = {}
            for entry in self._entries.values():
                defined = getattr(type(entry.strategy), hook) is not getattr(BaseStrategy, hook)
                counted = kind is Candle and (entry.warming or entry.history)
                if entry.enabled and (defined or counted):
                    for symbol in entry.symbols:
                        learns = bool(entry.warming or entry.history)
                        reaction = (entry, getattr(entry.strategy, hook), learns)
                        routes[symbol] = (*routes.get(symbol, ()), reaction)
            if routes:
                self._routes[kind] = routes


def _collect(name: str, wishes: Iterable[Wish], wanted: Wanted | None) -> Wanted:
    """`wanted` and the wishes of one strategy: all of them, or, where one is none, not one of them."""
    collected: Wanted = []
    for wish in wishes:
        kind = type(wish)
        if kind is Signal:
            if not _is_plain(wish):  # type: ignore[arg-type]
                _check_signal(name, wish)  # type: ignore[arg-type]
        elif kind is CancelOrders:
            _check_texts(name, wish, _CANCEL_TEXTS)
        else:
            raise StrategyError(f"{name} returned {_shown(wish)}; return a list of Signal or CancelOrders, or None")
        collected.append((name, wish))
        if len(collected) > WISHES_MAX:
            raise StrategyError(f"{name} returned more than {WISHES_MAX} wishes at once; return a list that ends")
    return collected if wanted is None else wanted + collected


def _is_plain(signal: Signal) -> bool:
    """Whether a signal is what nearly all are: a side with at most a quantity and a price, all of it sane."""
    fields: SignalFields = structs.astuple(signal)
    (
        symbol, side, quantity, target, kind, price, stop_price, trail, force, expires_ns, post_only, reduce_only,
        stop_loss, take_profit, group, tag, reason,
    ) = fields  # fmt: skip
    try:
        return (
            (quantity is None or (type(quantity) is Decimal and _LEAST <= quantity <= _MOST))
            and (price is None or (type(price) is Decimal and _LEAST <= price <= _MOST))
            and type(side) is Side
            and type(kind) is OrderType
            and type(force) is TimeInForce
            and (type(post_only), type(reduce_only), type(expires_ns)) == _FLAGS
            and not expires_ns
            and target is stop_price is trail is stop_loss is take_profit is None
            and (type(symbol), type(group), type(tag), type(reason)) == _FOUR_TEXTS
            and (text := symbol + group + tag + reason).isascii()
            and len(text) <= TEXT_LENGTH_MAX
        )
    except InvalidOperation:  # it does not compare: not a number
        return False


def _check_signal(name: str, signal: Signal) -> None:
    """A strategy that asks for what is no number is broken, and what it asked cannot even be journaled (H32)."""
    for field in _NUMBERS:
        value = getattr(signal, field)
        if value is not None and not (
            type(value) is Decimal and value.is_finite() and -DIGITS_MAX <= value.adjusted() <= DIGITS_MAX
        ):
            raise StrategyError(
                f"{name} asked for a {field} of {_shown(value)}; it must be a finite Decimal of a sane size"
            )
    for field, kind in _KINDS:
        value = getattr(signal, field)
        if type(value) is not kind and not (value is None and field == "side"):
            raise StrategyError(f"{name} asked for a {field} of {_shown(value)}; it must be a {kind.__name__}")
    if not 0 <= signal.expires_ns <= EXPIRY_MAX:
        raise StrategyError(f"{name} asked for an expires_ns of {signal.expires_ns}; it must be UTC nanoseconds")
    _check_texts(name, signal, _SIGNAL_TEXTS)


def _check_texts(name: str, wish: Wish, fields: tuple[str, ...]) -> None:
    """Texts are journaled, so they must be texts, of a size, that can be written."""
    for field in fields:
        text = getattr(wish, field)
        if type(text) is not str or len(text) > TEXT_LENGTH_MAX or not (text.isascii() or _is_writable(text)):
            raise StrategyError(
                f"{name} gave a {field} of {_shown(text)}; it must be a text of at most {TEXT_LENGTH_MAX} characters"
            )


def _shown(value: object) -> str:
    """`value` as the same text in every run; of a class that is not ours to run, its name."""
    kind = type(value)
    if kind is float or kind in (str, int, bool, type(None), Decimal):
        return f"{value!r}"[:100]
    return f"a {kind.__name__}"


def _is_writable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no file can hold."""
    return not any(0xD800 <= ord(each) <= 0xDFFF for each in text)


#: Powers of ten beyond which no quantity or price is meant.
DIGITS_MAX: Final = 24
#: Wishes of one strategy because of one fact, and characters of one text in it.
WISHES_MAX: Final = 10_000
TEXT_LENGTH_MAX: Final = 10_000
#: The last moment of a signed 64-bit nanosecond clock.
EXPIRY_MAX: Final = 2**63 - 1
_LEAST: Final = Decimal(1).scaleb(-DIGITS_MAX)
_MOST: Final = Decimal(1).scaleb(DIGITS_MAX)
_NUMBERS: Final = ("quantity", "target", "price", "stop_price", "trail", "stop_loss", "take_profit")
_KINDS: Final = (
    ("side", Side),
    ("order_type", OrderType),
    ("time_in_force", TimeInForce),
    ("expires_ns", int),
    ("post_only", bool),
    ("reduce_only", bool),
)
_FOUR_TEXTS: Final = (str, str, str, str)
_FLAGS: Final = (bool, bool, int)
_SIGNAL_TEXTS: Final = ("symbol", "group", "tag", "reason")
_CANCEL_TEXTS: Final = ("symbol", "order_id", "reason")


def _said(error: Exception) -> str:
    """What was raised, in one line that can be written; its text is foreign code too."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  as above
        text = "(it has no text)"
    line = text.splitlines()[0] if text else ""
    return f"{type(error).__name__}: {line}"[:300].encode("utf-8", "backslashreplace").decode()
