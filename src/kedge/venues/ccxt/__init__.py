"""Any other venue, through ccxt (extra `ccxt`): what ccxt can do safely, and no more.

quirks       what differs from venue to venue although ccxt calls it the same; what was tried, and what is proven there
errors       ccxt's exceptions, and what each means for an order
structures   ccxt's structures, exact, to ours: instruments, orders, fills, balances, candles
frames       ccxt's names of intervals
credentials  whose account it is, in ccxt's words
scrub        what may be seen of a text of ccxt's
sealed       ccxt's classes, that log nothing, follow nothing and believe no page
pauses       when nothing may be sent
connection   ccxt's own objects: one that trades and asks, one for exits alone, one that streams
fills        executions, in windows that are never cut
inquiry      orders found again, told with their fills
market       what is listed, books, trades, candles, marks, funding rates
trading      orders sent, cancelled, replaced, listed
account      balances, positions, funding paid, leverage
streams      market data from ccxt.pro
reports      reports on our orders, by asking
working      the tasks of a stream
shell        the gateway
"""
