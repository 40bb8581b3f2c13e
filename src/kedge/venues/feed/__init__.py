"""Streams: from a venue's connection to facts, without a hole that nobody knows of.

talk      what one venue says over a connection, and what it must be told: pure, one small class a venue
inbox     the bounded queue between the socket and whoever folds, with its overflow policy
books     a book's start and its resynchronization after a gap
merge     what was told already, by another connection or twice by the same
status    which stream is up: the facts that reach risk
backoff   how long to wait before the next attempt
line      one connection's life
market    `MarketDataFeed`: keeps a line up, rolls it before it ends, resynchronizes
"""
