"""The outside: one package a venue, and the simulated one. Nothing here decides anything for us."""
