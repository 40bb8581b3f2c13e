"""Hyperliquid's protocol, pure: bytes to facts and commands, and back.

    order that risk approved ─ orders ─ actions ─ signing ─ exchange ─ bytes out
    bytes in ─ replies | markets | account | streams ─ facts, answers

`figures` reads and writes numbers, `assets` knows what is listed under which number, `cloid` turns our order ids into
the venue's and back, `info` asks, `statuses` and `refusals` say what a word or an error means. Nothing here knows a
socket or a clock: nonces and times are given.
"""
