"""What the cases take for granted: which assets exist, how ccxt names them, and the account the requests are of."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from kedge.model.secret import Secret
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable, perpetuals
from kedge.venues.hyperliquid.protocol.signing import Signer

#: The key of every request that ccxt was made to sign, published with the venue's SDK.
KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
SIGNER = Signer(Secret(KEY))

#: The perpetuals with the lowest numbers and their decimals (`markets_raw`, a recording), which never change places.
_FIRST = {
    "BTC": 5,
    "ETH": 4,
    "ATOM": 2,
    "MATIC": 1,
    "DYDX": 1,
    "SOL": 2,
    "AVAX": 2,
    "BNB": 3,
    "APE": 1,
    "OP": 1,
    "LTC": 2,
    "ARB": 1,
    "DOGE": 0,
    "INJ": 1,
    "SUI": 1,
    "kPEPE": 0,
    "CRV": 1,
    "LDO": 1,
    "LINK": 1,
    "STX": 1,
    "RNDR": 1,
    "CFX": 0,
    "FTM": 0,
    "GMX": 2,
    "SNX": 1,
    "XRP": 0,
    "BCH": 3,
    "APT": 2,
}
_META = {"universe": [{"name": name, "szDecimals": digits, "maxLeverage": 50} for name, digits in _FIRST.items()]}
_SPOT = Asset(10_000, "PURR/USDC", "PURR-USDC", "PURR", "USDC", 0, spot=True)
_HYPE = Asset(10_107, "@107", "HYPE-USDC", "HYPE", "USDC", 2, spot=True)
KNOWN = AssetTable([*perpetuals(_META), _SPOT, _HYPE])


def table_for(payload: Any) -> AssetTable:
    """The known assets and whatever coin the payload names: its rules do not matter for reading."""
    extra = [_made_up(coin, 500 + place) for place, coin in enumerate(sorted(coins_in(payload) - set(KNOWN.by_coin)))]
    return AssetTable([*KNOWN, *extra])


def coins_in(payload: Any) -> set[str]:
    """Every name of a coin in a payload."""
    if isinstance(payload, dict):
        named = {payload[key] for key in ("coin", "s") if isinstance(payload.get(key), str) and payload.get(key)}
        return named.union(*(coins_in(value) for value in payload.values()))
    if isinstance(payload, list):
        return set[str]().union(*(coins_in(value) for value in payload))
    return set()


def _made_up(coin: str, index: int) -> Asset:
    if "/" in coin:
        base, _, quote = coin.partition("/")
        return Asset(10_000 + index, coin, f"{base}-{quote}", base, quote, 0, spot=True)
    if coin.startswith("@"):
        return Asset(10_000 + int(coin[1:]), coin, f"{coin}-USDC", coin, "USDC", 0, spot=True)
    return Asset(index, coin, f"{coin}-USD", coin, "USDC", 0, spot=False)


def ours(symbol: str) -> str:
    """Our symbol of ccxt's: `SOL/USDC:USDC` is the perpetual, `PURR/USDC` the pair."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return f"{base}-USD" if settle else f"{base}-{quote}"


def assets_of(symbol: str, index: int | None) -> list[Asset]:
    """The asset of ccxt's symbol. One that is not known here has the number that the case says, and any grid there is."""
    found = KNOWN.by_symbol.get(ours(symbol))
    if found is not None:
        return [found]
    assert index is not None, f"{symbol} is not known here"
    base, _, quote = symbol.partition(":")[0].partition("/")
    spot = ":" not in symbol
    return [Asset(index, base, ours(symbol), base, quote, digits, spot) for digits in range(6)]


def asset_of(symbol: str, index: int | None) -> Asset:
    """The asset of ccxt's symbol, where its grid does not matter."""
    return assets_of(symbol, index)[0]


def decimal(given: Any) -> Decimal:
    """A number of a case, however it is written there."""
    return Decimal(str(given))


def same(ours: Any, theirs: Any, what: str) -> None:
    """Both are the same number, or both are nothing."""
    if theirs is None:
        assert ours is None or not ours, f"{what}: {ours}, and ccxt says nothing"
        return
    assert ours is not None, f"{what}: nothing, and ccxt says {theirs}"
    assert decimal(ours) == decimal(theirs), f"{what}: {ours}, and ccxt says {theirs}"


def same_text(ours: Any, theirs: Any, what: str) -> None:
    """Both are the same text, or both are nothing."""
    assert (ours or None) == (theirs or None), f"{what}: {ours!r}, and ccxt says {theirs!r}"


def lowered(value: Any) -> Any:
    """A body with its addresses in lower case: the venue takes either."""
    if isinstance(value, dict):
        return {key: lowered(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [lowered(entry) for entry in value]
    if isinstance(value, str) and value.startswith("0x"):
        return value.lower()
    return value


def one_of(given: Iterable[Any], what: str) -> Any:
    """The only entry."""
    (found,) = list(given)
    assert found is not None, what
    return found
