"""Tests of `kedge.strategies.indicators`."""
