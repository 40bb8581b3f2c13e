"""Binance's wire protocol without the wire: pure functions between bytes and Kedge's own words.

    signing        a payload and a key to a signature
    calls          the calls that read
    requests       what to call, with which parameters, at which weight; the request that goes out
    errors         a status and a code to whose fault it is and what may have happened
    names          symbols, client order ids and intervals, there and back
    instruments    exchangeInfo to instruments and filters
    orders         an order of ours to the call that places it
    executions     executions of our orders as they are listed
    reports        what the venue says of an order, to facts
    account        balances, positions, leverage, permissions, income
    market         books, trades and candles that were asked for
    streams        the same as they are pushed, and the names they are subscribed by
    user_events    what is pushed about our own orders, as it is written
    user_stream    and what it means
    wsapi          the WebSocket API, for the spot user stream
    product        which of the two venues, and where it is
    numbers        text to exact numbers, and the bounds of what is believed

Whatever breaks the venue's own rules raises `VenueError`; fields we do not know pass, values of an enumeration that we
do not know do not. Sources: `../shared/venues/FACTS.md` and the venue's documentation named in each module.
"""
