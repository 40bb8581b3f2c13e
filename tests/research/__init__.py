"""Tests of kedge.research."""
