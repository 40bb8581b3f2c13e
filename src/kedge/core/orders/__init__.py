"""Fold: what we asked the venue for and what has become of it."""
