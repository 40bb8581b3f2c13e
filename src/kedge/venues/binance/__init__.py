"""Binance: Spot and USD-M Futures, two venues with one wire family.

`protocol/` is pure: bytes to facts, intents to requests, no socket and no clock. The shell beside it owns the time, the
sockets and the retries. What both venues truly share (signing, the shape of orders, errors, stream envelopes) is
written once; where they differ a `Product` says which of the two is meant.
"""
