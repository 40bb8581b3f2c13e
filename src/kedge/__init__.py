"""Kedge: one strategy file, in a backtest, on paper and live, behind risk controls that cannot be bypassed.

The product's vocabulary is importable from here. Names are loaded when first used, so `import kedge` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from kedge.backtest.engine import BacktestEngine as BacktestEngine
    from kedge.backtest.result import BacktestResult as BacktestResult
    from kedge.backtest.result import BacktestTrade as BacktestTrade
    from kedge.cli.config import TradingConfig as TradingConfig
    from kedge.core.allocation.capital import CapitalAllocator as CapitalAllocator
    from kedge.core.market.bars import HigherBars as HigherBars
    from kedge.core.market.bars import TickBars as TickBars
    from kedge.core.market.bars import TimeBars as TimeBars
    from kedge.core.market.bars import VolumeBars as VolumeBars
    from kedge.core.market.handler import MarketDataHandler as MarketDataHandler
    from kedge.core.market.quality import DataQualityChecker as DataQualityChecker
    from kedge.core.market.quality import QualityReport as QualityReport
    from kedge.core.market.replay import DataReplayEngine as DataReplayEngine
    from kedge.core.market.timestamps import TimestampNormalizer as TimestampNormalizer
    from kedge.core.orders.manager import OrderManager as OrderManager
    from kedge.core.portfolio.tracker import PositionTracker as PositionTracker
    from kedge.core.risk.binding import RiskCheckResult as RiskCheckResult
    from kedge.core.risk.breaker import CircuitBreaker as CircuitBreaker
    from kedge.core.risk.manager import RiskManager as RiskManager
    from kedge.core.strategy.bars import Bars as Bars
    from kedge.core.strategy.base import BaseStrategy as BaseStrategy
    from kedge.core.strategy.moves import KEEP as KEEP
    from kedge.core.strategy.moves import moves as moves
    from kedge.core.strategy.parameters import Bounds as Bounds
    from kedge.core.strategy.registry import StrategyRegistry as StrategyRegistry
    from kedge.core.strategy.signals import SignalStrategy as SignalStrategy
    from kedge.journal.append import AuditLogger as AuditLogger
    from kedge.model.errors import KedgeError as KedgeError
    from kedge.model.exchange import Exchange as Exchange
    from kedge.model.facts import Fill as Fill
    from kedge.model.instrument import Instrument as Instrument
    from kedge.model.instrument import InstrumentKind as InstrumentKind
    from kedge.model.limits import RiskConfig as RiskConfig
    from kedge.model.limits import SymbolLimits as SymbolLimits
    from kedge.model.market import BookDelta as BookDelta
    from kedge.model.market import Candle as Candle
    from kedge.model.market import FundingRate as FundingRate
    from kedge.model.market import MarkPrice as MarkPrice
    from kedge.model.market import OrderBook as OrderBook
    from kedge.model.market import Quote as Quote
    from kedge.model.market import Trade as Trade
    from kedge.model.market_limits import MarketLimits as MarketLimits
    from kedge.model.money import round_price as round_price
    from kedge.model.money import round_quantity as round_quantity
    from kedge.model.order import Order as Order
    from kedge.model.order import OrderStatus as OrderStatus
    from kedge.model.order import OrderType as OrderType
    from kedge.model.order import Side as Side
    from kedge.model.order import TimeInForce as TimeInForce
    from kedge.model.position import Position as Position
    from kedge.model.signal import CancelOrders as CancelOrders
    from kedge.model.signal import Signal as Signal
    from kedge.model.symbols import to_canonical_symbol as to_canonical_symbol
    from kedge.model.symbols import to_exchange_symbol as to_exchange_symbol
    from kedge.research.walk_forward.optimizer import WalkForwardOptimizer as WalkForwardOptimizer
    from kedge.strategies.breakout import BreakoutStrategy as BreakoutStrategy
    from kedge.strategies.grid import GridStrategy as GridStrategy
    from kedge.strategies.market_making import MarketMakingStrategy as MarketMakingStrategy
    from kedge.strategies.mean_reversion import MeanReversionStrategy as MeanReversionStrategy
    from kedge.strategies.pairs import PairsStrategy as PairsStrategy
    from kedge.strategies.rsi import RsiStrategy as RsiStrategy
    from kedge.strategies.signals.breakout import BreakoutSignals as BreakoutSignals
    from kedge.strategies.signals.mean_reversion import MeanReversionSignals as MeanReversionSignals
    from kedge.strategies.signals.rsi import RsiSignals as RsiSignals
    from kedge.strategies.signals.sma_cross import SmaCrossSignals as SmaCrossSignals
    from kedge.strategies.sma_cross import SmaCrossStrategy as SmaCrossStrategy
    from kedge.venues.client import ExchangeClient as ExchangeClient
    from kedge.venues.feed.market import MarketDataFeed as MarketDataFeed
    from kedge.venues.gateway import ExchangeGateway as ExchangeGateway
    from kedge.venues.limiter import ExchangeRateLimiter as ExchangeRateLimiter

_HOMES = {
    "backtest.engine": "BacktestEngine",
    "backtest.result": "BacktestResult BacktestTrade",
    "cli.config": "TradingConfig",
    "core.allocation.capital": "CapitalAllocator",
    "core.market.bars": "HigherBars TickBars TimeBars VolumeBars",
    "core.market.handler": "MarketDataHandler",
    "core.market.quality": "DataQualityChecker QualityReport",
    "core.market.replay": "DataReplayEngine",
    "model.symbols": "to_canonical_symbol to_exchange_symbol",
    "core.market.timestamps": "TimestampNormalizer",
    "core.orders.manager": "OrderManager",
    "core.portfolio.tracker": "PositionTracker",
    "core.risk.breaker": "CircuitBreaker",
    "core.risk.binding": "RiskCheckResult",
    "core.risk.manager": "RiskManager",
    "core.strategy.bars": "Bars",
    "core.strategy.base": "BaseStrategy",
    "core.strategy.moves": "KEEP moves",
    "core.strategy.parameters": "Bounds",
    "core.strategy.registry": "StrategyRegistry",
    "core.strategy.signals": "SignalStrategy",
    "journal.append": "AuditLogger",
    "model.errors": "KedgeError",
    "model.exchange": "Exchange",
    "model.facts": "Fill",
    "model.instrument": "Instrument InstrumentKind",
    "model.limits": "RiskConfig SymbolLimits",
    "model.market": "BookDelta Candle FundingRate MarkPrice OrderBook Quote Trade",
    "model.market_limits": "MarketLimits",
    "model.money": "round_price round_quantity",
    "model.order": "Order OrderStatus OrderType Side TimeInForce",
    "model.position": "Position",
    "model.signal": "CancelOrders Signal",
    "research.walk_forward.optimizer": "WalkForwardOptimizer",
    "strategies.breakout": "BreakoutStrategy",
    "strategies.grid": "GridStrategy",
    "strategies.market_making": "MarketMakingStrategy",
    "strategies.mean_reversion": "MeanReversionStrategy",
    "strategies.pairs": "PairsStrategy",
    "strategies.rsi": "RsiStrategy",
    "strategies.signals.breakout": "BreakoutSignals",
    "strategies.signals.mean_reversion": "MeanReversionSignals",
    "strategies.signals.rsi": "RsiSignals",
    "strategies.signals.sma_cross": "SmaCrossSignals",
    "strategies.sma_cross": "SmaCrossStrategy",
    "venues.client": "ExchangeClient",
    "venues.feed.market": "MarketDataFeed",
    "venues.gateway": "ExchangeGateway",
    "venues.limiter": "ExchangeRateLimiter",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604  (names of strings, computed once)


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'kedge' has no attribute {name!r}")
    value = getattr(import_module(f"kedge.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
