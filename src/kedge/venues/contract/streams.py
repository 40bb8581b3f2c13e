"""Questions about streams: what is told without being asked, and that it ends."""

from __future__ import annotations

from kedge.model.facts import Fact, Fill, OrderAccepted, OrderCancelled, OrderReport, StreamStatus
from kedge.model.market import BookDelta, OrderBook, Trade
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, Side
from kedge.venues.contract.examinee import Candidate, of
from kedge.venues.gateway import Subscription

#: How long is waited for what must be told.
WAIT_S = 15


async def the_market_is_streamed(candidate: Candidate) -> None:
    """Each stream is said to be up; a trade and a book come; after the end nothing does, and that is said."""
    told: list[Fact] = []
    wanted = [Subscription("trades", candidate.symbol), Subscription("book", candidate.symbol)]
    stream = candidate.gateway.market_stream(wanted, told.append)
    await stream.start()
    for _ in range(WAIT_S):
        await candidate.examinee.trade_at(await candidate.far(Side.BUY, "0.001"))
        await candidate.examinee.pass_time(1)
        trades = of(Trade, told)
        if trades and any(isinstance(fact, OrderBook) for fact in told) and _up(told, "book"):
            break
    assert any(isinstance(fact, OrderBook) for fact in told), "no book was told"
    trades = of(Trade, told)
    assert trades, "no trade was told"
    assert len({trade.trade_id for trade in trades if trade.trade_id}) == len(
        [each for each in trades if each.trade_id]
    )
    assert _up(told, "trade")
    assert _up(told, "book")
    await stream.stop()
    assert not _up(told, "trade")
    assert not _up(told, "book")
    before = len(told)
    await candidate.examinee.trade_at(await candidate.far(Side.BUY, "0.001"))
    await candidate.examinee.pass_time(2)
    assert len(told) == before


async def books_of_the_stream_join(candidate: Candidate) -> None:
    """Nothing is passed on before a snapshot, and what is passed on is in order."""
    told: list[Fact] = []
    stream = candidate.gateway.market_stream([Subscription("book", candidate.symbol)], told.append)
    await stream.start()
    for _ in range(WAIT_S):
        await candidate.examinee.trade_at(await candidate.far(Side.BUY, "0.001"))
        await candidate.examinee.pass_time(1)
        if len(told) > 4:
            break
    await stream.stop()
    books = [fact for fact in told if isinstance(fact, OrderBook | BookDelta)]
    assert books
    assert isinstance(books[0], OrderBook), "a change came before the first snapshot"
    numbers = [each.sequence for each in books]
    assert numbers == sorted(numbers)


async def our_orders_are_streamed(candidate: Candidate) -> None:
    """Accepted, filled, cancelled: by the stream alone one knows what became of an order."""
    told: list[Fact] = []
    stream = candidate.gateway.user_stream(told.append)
    await stream.start()
    bought = await candidate.buy_now()
    rests = await candidate.limit()
    await candidate.rest(rests)
    await candidate.cancel(rests.id)
    for _ in range(WAIT_S):
        await candidate.examinee.pass_time(1)
        if _filled(told, bought.id) == bought.quantity and _over(told, rests.id):
            break
    assert _filled(told, bought.id) == bought.quantity
    assert _over(told, rests.id)
    assert any(_is_about(fact, rests.id) for fact in told if isinstance(fact, OrderAccepted | OrderReport))
    assert _up(told, "user")
    await stream.stop()
    assert not _up(told, "user")


def _up(told: list[Fact], channel: str) -> bool:
    """Whether the last word on a channel is that it is up."""
    words = [fact.up for fact in of(StreamStatus, told) if fact.channel == channel]
    return bool(words) and words[-1]


def _filled(told: list[Fact], order_id: str) -> object:
    """What was filled, each execution once."""
    fills = {fill.trade_id: fill.quantity for fill in of(Fill, told) if fill.order_id == order_id}
    return sum(fills.values(), ZERO)


def _over(told: list[Fact], order_id: str) -> bool:
    return any(
        isinstance(fact, OrderCancelled) or (isinstance(fact, OrderReport) and fact.status is OrderStatus.CANCELLED)
        for fact in told
        if _is_about(fact, order_id)
    )


def _is_about(fact: Fact, order_id: str) -> bool:
    return getattr(fact, "order_id", None) == order_id


QUESTIONS = (the_market_is_streamed, books_of_the_stream_join, our_orders_are_streamed)
