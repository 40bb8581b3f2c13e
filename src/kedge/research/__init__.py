"""Research: which parameters, and would they have held. Evaluates strategies over history, one or many at a time.

Read `evaluate` first (one run, one `Evaluation`), then `sweep` (a grid of them). `kernel` is the compiled engine.
"""
