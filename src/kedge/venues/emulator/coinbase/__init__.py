"""Coinbase Advanced Trade, emulated: two books in dollars, one of them under a second name, one account.

venue      the dialect: which request goes where, faults in the venue's own words
tokens     who may ask: JSON web tokens, verified here and nowhere else
listing    the products and how they are shown
terms      what an order asks for, and why it is refused before it exists
desk       the life of an order: pending, open, queued for cancel, over
pages      the answers of REST
channels   the WebSocket: subscriptions, numbers, heartbeats, books, trades, the user's orders
text       numbers, times and ids as the venue writes them
"""
