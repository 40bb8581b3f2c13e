"""Kedge measured beside its peers: one module a work, every engine in one run, in turn. Start with README.md."""
