"""Coinbase Advanced Trade (spot). Pure protocol below, a thin shell above it; start reading at `requests`.

values         how the venue writes numbers, times, words and objects, and what is nonsense
signing        JSON web tokens (ES256, EdDSA), and the HMAC of Coinbase Exchange
requests       every request we make, complete but for its token
configuration  an order's terms: type, sizes, prices, time in force
orders         orders, fills and what the venue answers to placing and cancelling
products       instruments, aliases
market         books, trades and candles over REST
account        balances, positions, fees, key permissions, clock
errors         which failure means what
messages       the WebSocket's envelope, subscriptions and sequence
stream         market data over WebSocket
exchange       the feed of Coinbase Exchange, whose recordings exist
shell          the gateway: sends, asks again, keeps the streams
"""
