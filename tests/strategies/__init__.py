"""Tests of `kedge.strategies`."""
