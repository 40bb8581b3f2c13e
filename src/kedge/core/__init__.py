"""What Kedge decides: a pure function of facts. No I/O, clock, randomness or logging in here."""
