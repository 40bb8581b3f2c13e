"""Decide: may this order go? One limit, one function; one manager that makes `Approved`; the breaker and the
halts.
"""
