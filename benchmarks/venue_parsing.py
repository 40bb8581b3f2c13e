"""Decode and apply a recording of depth updates: Kedge beside ccxt.pro, python-binance and the venue's SDK.

python -m benchmarks.venue_parsing [--repetitions N] [--clients PATH]

The messages are those of `../shared/data/raw_binance_*_20240808.txt.gz` as they came off the socket. Each contender gets
the text of every depth update in turn, decodes it by its own means and applies it to its own book, in a process of its
own (the others' clients live in `.venv-clients`, made by `python3 tasks.py clients`). CPU time counts; of several
repetitions, in turn, the median. Reading the file and the snapshot are off the clock.

A depth update is one change of one level: a message carries some forty. Rates are given for both. In `and top` the best
bid and ask are read after each of the first thousand messages, which is what a strategy does. The top of the book at
the end is held against `expected_books.json`. The SDK has no book, so it only decodes. Kedge checks every number and
every sequence number, and keeps exact decimals; ccxt.pro and python-binance keep floats.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
CAPTURES = {"spot": "raw_binance_spot_btcusdt_20240808", "usdm": "raw_binance_usdm_btcusdt_20240808"}
KEDGE = "Kedge"
HANDLER = "Kedge, market handler"

#: What is asked of a core each second.
TARGETS = {KEDGE: ("updates", 100_000), HANDLER: ("messages", 20_000)}

#: Messages after which the top is read: one contender sorts its whole book each time.
TOPS = 1_000

#: One contender's way: the snapshot makes the book, each message is applied, and the top is read.
Apply = Callable[[bytes], None]
Top = Callable[[], tuple[Any, Any]]


def main() -> int:
    """Run the contenders in turn and print what came out."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--clients", type=Path, default=ROOT / ".venv-clients")
    options.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(measure(*given.child)))
        return 0
    if not DATA.is_dir():
        print(f"no recordings: {DATA} does not exist")
        return 2
    return compare(given.repetitions, given.clients / "bin" / "python")


def compare(repetitions: int, clients: Path) -> int:
    """Every contender once, then again: a slow minute of the machine falls on all."""
    missed: dict[str, bool] = {}
    for capture, file in CAPTURES.items():
        print(f"{capture}: {file}")
        print(
            f"  {'':<26}{'messages/s':>12}{'updates/s':>12}{'and top: messages/s':>22}{'updates/s':>12}  book at the end"
        )
        for name in list(CONTENDERS):
            python = Path(sys.executable) if name in {KEDGE, HANDLER} else clients
            if not python.exists():
                print(f"  {name:<26} not measured: {python} does not exist (python3 tasks.py clients)")
                continue
            runs = [child(python, name, capture, top) for top in ("", "top") for _ in range(repetitions)]
            plain, topped = runs[:repetitions], runs[repetitions:]
            print(line(name, plain, topped))
            if name in TARGETS:
                what, least = TARGETS[name]
                missed[name] = (
                    missed.get(name, False) or plain[0][what] / median(run["seconds"] for run in plain) < least
                )
    for name, (what, least) in TARGETS.items():
        print(f"target: {name} >= {least:,} {what}/s a core: {'MISSED' if missed[name] else 'met'}")
    return 0


def line(name: str, plain: list[dict[str, Any]], topped: list[dict[str, Any]]) -> str:
    """One row of the table."""
    cells = []
    for runs, width in ((plain, 12), (topped, 22)):
        if not runs or not runs[0].get("seconds"):
            cells.append(f"{'-':>{width}}{'-':>12}")
            continue
        seconds = median(run["seconds"] for run in runs)
        cells.append(f"{runs[0]['messages'] / seconds:>{width},.0f}{runs[0]['updates'] / seconds:>12,.0f}")
    return f"  {name:<26}{''.join(cells)}  {plain[0]['verdict']}"


def child(python: Path, name: str, capture: str, top: str) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [str(python), str(Path(__file__)), "--child", name, capture, top]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        return {"seconds": 0, "verdict": f"failed: {done.stderr.strip().splitlines()[-1][:100]}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, capture: str, top: str) -> dict[str, Any]:
    """Decode and apply everything, under the clock."""
    snapshot, messages, expected = recording(capture)
    apply, best = CONTENDERS[name](capture, snapshot)
    if top:
        messages = messages[:TOPS]
    updates = sum(len(said["b"]) + len(said["a"]) for said in (json.loads(one)["data"] for one in messages))
    begun = time.process_time()
    if top and best is not None:
        for message in messages:
            apply(message)
            best()
    else:
        for message in messages:
            apply(message)
    seconds = time.process_time() - begun
    verdict = "decodes only"
    if best is not None and not top:
        bid, ask = best()
        same = (float(bid), float(ask)) == expected
        verdict = "as expected" if same else f"WRONG: {bid} / {ask}, expected {expected[0]} / {expected[1]}"
    elif best is None and top:
        seconds = 0.0
    return {"seconds": seconds, "messages": len(messages), "updates": updates, "verdict": verdict}


def recording(capture: str) -> tuple[dict[str, Any], list[bytes], tuple[float, float]]:
    """The snapshot, the depth updates that follow it, and the best prices at the end."""
    snapshot: dict[str, Any] = {}
    messages: list[bytes] = []
    with gzip.open(DATA / f"{CAPTURES[capture]}.txt.gz") as lines:
        for row in lines:
            text = row.partition(b" ")[2].strip()
            if b"@depth" in text[:60]:
                messages.append(text)
            elif b'"lastUpdateId"' in text[:40]:
                snapshot = json.loads(text)
    last = snapshot["lastUpdateId"]
    following = [one for one in messages if json.loads(one)["data"]["u"] > last]
    expected = json.loads((DATA / "expected_books.json").read_text())["captures"][CAPTURES[capture]][0]
    best = float(expected["top10_bids"][0][0]), float(expected["top10_asks"][0][0])
    return snapshot, following, best


# the contenders ------------------------------------------------------------------------------------------------------


def binance(capture: str) -> tuple[Any, Any]:
    """The product of a recording, and the listing that its messages are read with."""
    sys.path.insert(0, str(ROOT / "src"))
    from kedge.venues.binance.protocol.instruments import listing
    from kedge.venues.binance.protocol.product import Product

    product = Product.SPOT if capture == "spot" else Product.USDM
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}, {"filterType": "LOT_SIZE", "stepSize": "0.00001"}]
    entry = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
    }
    return product, listing(product, json.dumps({"symbols": [entry | {"filters": filters}]}).encode())


def kedge(capture: str, snapshot: dict[str, Any]) -> tuple[Apply, Top | None]:
    """Typed decoding, exact decimals, every number and sequence checked, the core's book."""
    product, listed = binance(capture)
    from kedge.core.market.books import Book
    from kedge.model.market import BookDelta
    from kedge.venues.binance.protocol import market, streams
    from kedge.venues.binance.protocol.product import SEQUENCE_RULES

    book = Book(SEQUENCE_RULES[product])
    first = market.book(json.dumps(snapshot).encode(), "BTC-USD", 1)
    book.reset(first.bids, first.asks, first.sequence)

    def apply(message: bytes) -> None:
        told = streams.parse(message, listed, 1)
        assert not isinstance(told, streams.Notice)
        for fact in told:
            assert isinstance(fact, BookDelta)
            assert book.apply(fact) is None

    def top() -> tuple[Any, Any]:
        bid, ask = book.best_bid, book.best_ask
        assert bid is not None
        assert ask is not None
        return bid[0], ask[0]

    return apply, top


def kedge_handler(capture: str, snapshot: dict[str, Any]) -> tuple[Apply, Top | None]:
    """The same through the core's market handler: every value judged once more, the price kept within its band."""
    product, listed = binance(capture)
    from kedge.core.market.handler import MarketDataHandler
    from kedge.venues.binance.protocol import market, streams
    from kedge.venues.binance.protocol.product import SEQUENCE_RULES

    first = market.book(json.dumps(snapshot).encode(), "BTC-USD", 0)
    handler = MarketDataHandler()
    handler.add_symbol(first.symbol, SEQUENCE_RULES[product])
    assert handler.fold(first) is None

    def apply(message: bytes) -> None:
        told = streams.parse(message, listed, 0)
        assert not isinstance(told, streams.Notice)
        for fact in told:
            assert handler.fold(fact) is None

    def top() -> tuple[Any, Any]:
        best = handler.best(first.symbol)
        assert best is not None
        return best

    return apply, top


def ccxt_pro(capture: str, snapshot: dict[str, Any]) -> tuple[Apply, Top | None]:
    """`handle_order_book_message` of ccxt.pro, after `json.loads` as its client does it."""
    import ccxt.pro as ccxt

    exchange = ccxt.binance()
    book = exchange.order_book({})
    parsed = exchange.parse_order_book(snapshot, "BTC/USDT", None)
    parsed["nonce"] = snapshot["lastUpdateId"]
    book.reset(parsed)

    def apply(message: bytes) -> None:
        exchange.handle_order_book_message(None, json.loads(message)["data"], book)

    def top() -> tuple[Any, Any]:
        book.limit()
        return book["bids"][0][0], book["asks"][0][0]

    return apply, top


def python_binance(capture: str, snapshot: dict[str, Any]) -> tuple[Apply, Top | None]:
    """`DepthCache` of python-binance: it keeps a dictionary and sorts all of it whenever it is read."""
    from binance.ws.depthcache import DepthCache

    cache = DepthCache("BTCUSDT")
    for level in snapshot["bids"]:
        cache.add_bid(level)
    for level in snapshot["asks"]:
        cache.add_ask(level)

    def apply(message: bytes) -> None:
        said = json.loads(message)["data"]
        for level in said["b"]:
            cache.add_bid(level)
        for level in said["a"]:
            cache.add_ask(level)

    def top() -> tuple[Any, Any]:
        return cache.get_bids()[0][0], cache.get_asks()[0][0]

    return apply, top


def official_sdk(capture: str, snapshot: dict[str, Any]) -> tuple[Apply, Top | None]:
    """The official SDK's typed model of a depth update; it keeps no book."""
    if capture == "spot":
        from binance_sdk_spot.websocket_streams.models import (
            DiffBookDepthResponse as Response,
        )
    else:
        from binance_sdk_derivatives_trading_usds_futures.websocket_streams.models import (
            DiffBookDepthStreamsResponse as Response,
        )

    def apply(message: bytes) -> None:
        Response.from_dict(json.loads(message)["data"])

    return apply, None


CONTENDERS: dict[str, Callable[[str, dict[str, Any]], tuple[Apply, Top | None]]] = {
    KEDGE: kedge,
    HANDLER: kedge_handler,
    "ccxt.pro": ccxt_pro,
    "python-binance DepthCache": python_binance,
    "official SDK (decode)": official_sdk,
}


if __name__ == "__main__":
    sys.exit(main())
