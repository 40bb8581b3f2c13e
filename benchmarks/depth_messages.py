"""Made-up depth messages of realistic size, decoded by the two venues of which no recording is at hand.

python -m benchmarks.depth_messages [--messages N] [--repetitions N]

A random walk of the top, levels around it, sizes in five decimals: some thirty changes a Coinbase message, twenty levels
a side of a Hyperliquid one. CPU time, the median; every message is new to the process once, as it is on a wire.
Compare two versions of Kedge with it in turn on one machine; there is no peer in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from random import Random
from statistics import median

from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.stream import MarketDecoder
from kedge.venues.exact import decode
from kedge.venues.hyperliquid.protocol import streams
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable

TIME_MS = 1_723_161_255_408


def coinbase(count: int) -> list[bytes]:
    """Changes of a book, thirty a message."""
    dice, top, messages = Random(7), 6_100_000, []
    for number in range(count):
        top += dice.randint(-20, 20)
        updates = []
        for _ in range(30):
            side = dice.choice(("bid", "offer"))
            away = int(dice.expovariate(1 / 300)) + 1
            price = top - away if side == "bid" else top + away
            size = "0" if dice.random() < 0.4 else f"{dice.choice((0.001, 0.05, dice.random())):.8f}".rstrip("0")
            updates.append(
                {
                    "side": side,
                    "event_time": "2024-08-08T23:54:15.408000Z",
                    "price_level": f"{price / 100:.2f}",
                    "new_quantity": size,
                }
            )
        event = {"type": "update", "product_id": "BTC-USD", "updates": updates}
        messages.append(
            json.dumps(
                {
                    "channel": "l2_data",
                    "client_id": "",
                    "timestamp": "2024-08-08T23:54:15.408123456Z",
                    "sequence_num": number,
                    "events": [event],
                },
                separators=(",", ":"),
            ).encode()
        )
    return messages


def hyperliquid(count: int) -> list[bytes]:
    """Whole books, twenty levels a side; a fifth of the levels has changed since the message before."""
    dice, top, messages = Random(7), 61_000, []
    sizes: dict[int, str] = {}
    for number in range(count):
        top += dice.randint(-1, 1)
        sides = []
        for step in (-1, 1):
            side = []
            for away in range(20):
                price = top + step * away + (step > 0)
                if price not in sizes or dice.random() < 0.2:
                    sizes[price] = f"{dice.random() * 3:.5f}"
                side.append({"px": f"{price}.0", "sz": sizes[price], "n": dice.randint(1, 9)})
            sides.append(side)
        data = {"coin": "BTC", "time": TIME_MS + number, "levels": sides}
        messages.append(json.dumps({"channel": "l2Book", "data": data}, separators=(",", ":")).encode())
    return messages


def main() -> int:
    """Run both and print rates."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--messages", type=int, default=10_000)
    options.add_argument("--repetitions", type=int, default=5)
    given = options.parse_args()
    decoder = MarketDecoder(Names({"BTC-USD": ""}), [("l2_data", "BTC-USD")])
    assets = AssetTable([Asset(0, "BTC", "BTC-USD", "BTC", "USDC", 5, spot=False)])
    report("Coinbase l2_data", coinbase(given.messages), 30, decoder.decode, given.repetitions)
    report(
        "Hyperliquid l2Book",
        hyperliquid(given.messages),
        40,
        lambda message: streams.read(decode(message), assets, nobody, 1),
        given.repetitions,
    )
    return 0


def nobody(_: int, cloid: str) -> str:
    """No order is ours here."""
    return cloid


def report(name: str, messages: list[bytes], levels: int, read: Callable[[bytes], object], repetitions: int) -> None:
    """The median rate of several rounds, each over messages of its own."""
    share = len(messages) // repetitions
    rates = []
    for turn in range(repetitions):
        begun = time.process_time()
        for message in messages[turn * share : (turn + 1) * share]:
            read(message)
        rates.append(share / (time.process_time() - begun))
    rate = median(rates)
    print(f"{name:<20}{rate:>12,.0f} messages/s{rate * levels:>12,.0f} levels/s")


if __name__ == "__main__":
    sys.exit(main())
