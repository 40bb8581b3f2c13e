"""Questions about the market and the account: a page or several, put together, and what is missing said."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from kedge.model.facts import FundingPayment
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.gateway import Balance, KeyPermissions, MarginSettings, VenuePosition
from kedge.venues.hyperliquid.calls import Desk
from kedge.venues.hyperliquid.protocol import account, assets, info, markets
from kedge.venues.hyperliquid.protocol.account import MarginAccount
from kedge.venues.hyperliquid.protocol.assets import BASE_FEES, Asset, AssetTable, Fees
from kedge.venues.hyperliquid.protocol.figures import sequence
from kedge.venues.limiter import Urgency

#: The venue answers with the latest so many candles, and so many rates or payments a page.
CANDLES_MAX: Final = 5_000
ROWS_PAGE: Final = 500
PAGES_MAX: Final = 40


class Reading:
    """The pages of the venue and of one account. `marks` are the prices that the ticks were last taken at."""

    def __init__(self, desk: Desk, user: str) -> None:
        self.assets = AssetTable()
        self.unified = False
        self.fees: Fees = BASE_FEES
        self._desk = desk
        self._user = user

    # what is listed

    async def instruments(self) -> Answer[tuple[Instrument, ...]]:
        """Everything listed on the main exchange, with ticks at the marks of this moment."""
        perpetual = await self._desk.ask(info.meta_and_contexts(), _perpetual_listing, Urgency.MARKET)
        if isinstance(perpetual, Failed):
            return perpetual
        spot = await self._desk.ask(info.spot_meta_and_contexts(), _spot_listing, Urgency.MARKET)
        if isinstance(spot, Failed):
            return spot
        listed = {**perpetual.value, **spot.value}
        self.assets = AssetTable(listed)
        return Whole(tuple(asset.instrument(listed[asset], self.fees) for asset in self.assets), spot.at)

    async def account_kind(self) -> Answer[bool]:
        """Whether one balance backs everything, noted with the account's fees."""
        kind = await self._desk.ask(info.abstraction(self._user), account.unified)
        if isinstance(kind, Failed):
            return kind
        self.unified = kind.value
        fees = await self._desk.ask(info.fees(self._user), assets.account_fees)
        if isinstance(fees, Failed):
            return fees
        self.fees = fees.value
        return kind

    async def server_time(self) -> Answer[int]:
        """The venue's time, UTC ns."""
        return await self._desk.ask(info.exchange_status(), markets.server_time)

    # the market

    async def order_book(self, asset: Asset, depth: int) -> Answer[OrderBook]:
        """At most twenty levels a side."""
        answer = await self._desk.ask(
            info.l2_book(asset.coin), lambda told: markets.book(told, self.assets), Urgency.MARKET
        )
        if isinstance(answer, Failed):
            return answer
        book = answer.value
        return Whole(OrderBook(book.ts, book.bids[:depth], book.asks[:depth], book.symbol), answer.at)

    async def trades(self, asset: Asset, limit: int) -> Answer[tuple[Trade, ...]]:
        """The latest trades, oldest first; the venue tells few."""
        answer = await self._desk.ask(
            info.recent_trades(asset.coin), lambda told: markets.trades(told, self.assets), Urgency.MARKET
        )
        if isinstance(answer, Failed):
            return answer
        return Whole(answer.value[-limit:] if limit > 0 else (), answer.at)

    async def candles(self, asset: Asset, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        """Closed candles that open in `[start, end)`: the venue's answer begins with the one that holds `start` and may
        end with an open one.
        """
        name = markets.INTERVALS.get(interval)
        if name is None:
            return Failed(ErrorClass.OURS, "unsupported", f"hyperliquid has no candles of {interval} ns")
        answer = await self._desk.ask(
            info.candles(asset.coin, name, start // NS_PER_MS, max(end - 1, 0) // NS_PER_MS),
            lambda told: markets.candles(told, self.assets),
            Urgency.MARKET,
        )
        if isinstance(answer, Failed):
            return answer
        closed_by = self._desk.caller.clock.venue_ns()
        bars = tuple(bar for bar in answer.value if start <= bar.ts < end and bar.ts + interval <= closed_by)
        if len(answer.value) >= CANDLES_MAX and (not bars or bars[0].ts > start):
            first = bars[0].ts if bars else end
            return Partial(bars, f"candles before {first} ns: the venue tells the latest {CANDLES_MAX}", answer.at)
        return Whole(bars, answer.at)

    async def mark_price(self, asset: Asset) -> Answer[MarkPrice]:
        """The mark price, at our time: the answer has none."""
        asked = info.spot_meta_and_contexts() if asset.spot else info.meta_and_contexts()
        read = _spot_listing if asset.spot else _perpetual_listing
        answer = await self._desk.ask(asked, read, Urgency.MARKET)
        if isinstance(answer, Failed):
            return answer
        mark = next((price for each, price in answer.value.items() if each.index == asset.index), None)
        if mark is None:
            return Failed(ErrorClass.REFUSED, "no mark", f"{asset.symbol} has no mark price")
        return Whole(MarkPrice(answer.at, mark, asset.symbol, answer.at), answer.at)

    async def funding_rates(self, asset: Asset, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        """Rates settled in `[start, end)`."""
        found: dict[int, FundingRate] = {}
        page_from = start // NS_PER_MS
        for _ in range(PAGES_MAX):
            answer = await self._desk.ask(
                info.funding_history(asset.coin, page_from, max(end - 1, 0) // NS_PER_MS),
                lambda told: markets.funding_rates(told, self.assets),
                Urgency.MARKET,
            )
            if isinstance(answer, Failed):
                return answer
            found.update((rate.ts, rate) for rate in answer.value if start <= rate.ts < end)
            if len(answer.value) < ROWS_PAGE:
                return Whole(tuple(found.values()), answer.at)
            page_from = _next_page(answer.value, page_from)
        return Partial(tuple(found.values()), f"more than {PAGES_MAX} pages; ask from the last rate on")

    # the account

    async def margin(self) -> Answer[MarginAccount]:
        """Margin, positions and leverage."""
        return await self._desk.ask(
            info.perpetual_account(self._user), lambda told: account.margin_account(told, self.assets)
        )

    async def balances(self) -> Answer[dict[str, Balance]]:
        """Every currency."""
        spot = await self._desk.ask(info.spot_account(self._user), account.spot_balances)
        if isinstance(spot, Failed):
            return spot
        margin = await self.margin()
        if isinstance(margin, Failed):
            return margin
        return Whole(account.all_balances(spot.value, margin.value, self.unified), margin.at)

    async def positions(self) -> Answer[tuple[VenuePosition, ...]]:
        """Perpetuals held."""
        margin = await self.margin()
        return margin if isinstance(margin, Failed) else Whole(margin.value.positions, margin.at)

    async def funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        """Funding of one symbol, or all, from `since` on."""
        found: dict[tuple[int, str], FundingPayment] = {}
        page_from = since // NS_PER_MS
        for _ in range(PAGES_MAX):
            answer = await self._desk.ask(
                info.funding_payments(self._user, page_from),
                lambda told: account.funding_payments(told, self.assets, self._desk.now),
            )
            if isinstance(answer, Failed):
                return answer
            wanted = (paid for paid in answer.value if paid.ts >= since and symbol in {"", paid.symbol})
            found.update(((paid.ts, paid.symbol), paid) for paid in wanted)
            if len(answer.value) < ROWS_PAGE:
                return Whole(tuple(found.values()), answer.at)
            page_from = _next_page(answer.value, page_from)
        return Partial(tuple(found.values()), f"more than {PAGES_MAX} pages; ask from the last payment on")

    async def margin_settings(self, asset: Asset) -> Answer[MarginSettings]:
        """Leverage and mode of one perpetual."""
        return await self._desk.ask(
            info.asset_settings(self._user, asset.coin), lambda told: account.margin_settings(told, asset.symbol)
        )

    async def permissions(self, signer: str, owner: str) -> Answer[KeyPermissions]:
        """What a key may do: an agent of `owner` trades and cannot withdraw; the owner's own key may do anything (S1).

        Any other key is a stranger's, who may do nothing here.
        """
        answer = await self._desk.ask(info.role(signer), account.role)
        if isinstance(answer, Failed):
            return answer
        found, master = answer.value
        own = signer == owner
        trade = own or (found == "agent" and master == owner)
        return Whole(KeyPermissions(read=True, trade=trade, withdraw=own), answer.at)


def _perpetual_listing(told: Any) -> dict[Asset, Decimal | None]:
    parts = sequence(told, "metaAndAssetCtxs")
    listed = assets.perpetuals(parts[0] if parts else None)
    contexts = markets.contexts(told, listed)
    return {asset: markets.mark(contexts[asset.coin]) for asset in listed}


def _spot_listing(told: Any) -> dict[Asset, Decimal | None]:
    parts = sequence(told, "spotMetaAndAssetCtxs")
    listed = assets.spot_pairs(parts[0] if parts else None)
    contexts = markets.contexts(told, listed, spot=True)
    return {asset: markets.mark(contexts[asset.coin]) if asset.coin in contexts else None for asset in listed}


def _next_page(rows: Sequence[FundingRate | FundingPayment], page_from: int) -> int:
    """Pages overlap by a millisecond, so that nothing of that moment is left out."""
    last = rows[-1].ts // NS_PER_MS
    return last if last > page_from else page_from + 1
