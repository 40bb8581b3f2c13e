"""Decide: from what strategies want to orders of a size."""
