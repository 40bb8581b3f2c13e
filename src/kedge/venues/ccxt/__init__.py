"""Any other venue, through ccxt (extra `ccxt`): what ccxt can do safely, and no more.

quirks      what differs from venue to venue although ccxt calls it the same; the list of what was tried
errors      ccxt's exceptions, and what each means for an order
structures  ccxt's structures, exact, to ours: instruments, orders, fills, balances, candles
connection  ccxt's own objects: one that trades, one for exits alone, one that streams
inquiry     orders found again, told with their fills
streams     market data and reports from ccxt.pro, and by asking where there is none
shell       the gateway
"""
