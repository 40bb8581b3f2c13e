"""Binance: Spot and USD-M Futures, from the documentation (`docs/guide/emulators.md`)."""
