"""Tests of `kedge.journal`."""
