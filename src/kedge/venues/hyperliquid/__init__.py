"""Hyperliquid, perpetuals and spot: a pure protocol (bytes to facts and commands, and back) under a thin shell.

    intent ─ orders ─ actions ─ signing ─ exchange ─ bytes out
    bytes in ─ replies | markets | account | streams ─ facts, answers

`figures` reads and writes numbers, `assets` knows what is listed under which number, `cloid` turns our order ids into
the venue's and back, `refusals` says what an error means. `shell` is the gateway: it gives nonces, sends, waits and
remembers; nothing else here knows a socket or a clock.
"""
