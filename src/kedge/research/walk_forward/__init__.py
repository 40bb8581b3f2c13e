"""Walk-forward: choose parameters on one stretch of history, judge them on the next, move on.

schedule     which days are in sample and which out of sample, window by window
search       how parameters are chosen: a grid, or a seeded Optuna study
window       the work of one window, which a worker process can do
optimizer    `WalkForwardOptimizer`: all of it, start reading here
result       the windows, the stitched out-of-sample equity, stability and efficiency
evidence     how much of the result is luck: `kedge.research.statistics` over its trials
"""
