"""Each control and hazard of the safety case, end to end, in a test that carries its number."""
