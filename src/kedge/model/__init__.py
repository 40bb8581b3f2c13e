"""What exists: the vocabulary of trading. Frozen values and arithmetic; imports nothing else of Kedge."""
