"""The simulated venue: the exchange's world as a pure state machine, decided pessimistically.

    command --submit--> filters --> working orders --+
    market fact --on_market--> bars | feed --> meeting-+--> execution --> account --> reports

`venue` routes, `filters` admits, `bars` matches against candles and `feed` against trades, quotes and books, both by
what `meeting` says happens when orders meet a price. `execution` turns a match into a fill with its `slippage` and
`fees`, `account` keeps the money, its margin and its liquidation prices. `latency` and `faults` stand between this
world and ours. Every fill rule is published in `docs/guide/fill-rules.md`, each with the test that proves it.
"""
