"""Seeded trading under faults, watched by an auditor that knows the truth."""
