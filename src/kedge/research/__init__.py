"""Research: which parameters, would they have held outside the sample, and how much of it is luck.

Read `evaluate` first (one run, one `Evaluation`), then `sweep` (a grid of them; `kernel` is the compiled engine), then
`walk_forward` (choose in sample, judge out of sample) and `statistics` (how far to believe it).
"""
