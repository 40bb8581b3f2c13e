"""Kedge's side: one module a work, written against the public API."""
