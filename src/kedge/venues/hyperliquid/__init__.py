"""Hyperliquid, perpetuals and spot: a pure protocol under a thin shell.

`protocol` turns bytes into facts and commands, and back. `shell` is the gateway: it gives nonces, sends, waits,
remembers which order has which id, and resolves what was left unknown.
"""
