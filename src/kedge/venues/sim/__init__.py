"""The simulated venue: the exchange's world as a pure state machine, decided pessimistically.

    command --submit--> filters --> working orders --+
    market fact --on_market--> bars | prints | depth --+--> execution --> account --> reports

`venue` routes, `filters` admits, `bars`, `prints` and `depth` match against candles, trades and visible books, `execution`
turns a match into a fill with its slippage (`slippage`) and fee (`fees`), `account` keeps the money, its margin and its
liquidation prices. `latency` and `faults` stand between this world and ours. Every fill rule is published in
`docs/guide/fill-rules.md`, each with the test that proves it.
"""
