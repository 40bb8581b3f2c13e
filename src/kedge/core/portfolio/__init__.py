"""Fold: fills and funding into positions, cash and profit."""
