"""How much of a backtest is luck: one module a method, each with its source and its formula.

Everything here is a pure function of arrays of returns, one number a period (the callers use UTC days), and is not
annualized: a Sharpe ratio is mean over standard deviation of one period. Where chance is needed it comes from a seed.
Figures are floats: they are about returns, never a price, quantity, fee or balance.

    moments              mean, deviation, skewness, kurtosis, and the Sharpe ratio made of them
    probabilistic_sharpe the chance that the true Sharpe ratio is above a benchmark
    deflated_sharpe      the same, against what the best of N tries without skill would show
    track_record         how long a record must be before a Sharpe ratio means anything
    overfitting          CSCV: how often the best in sample is below the median out of sample
    purged               combinatorial purged cross-validation: many out-of-sample paths of one history
    bootstrap            the stationary bootstrap: resampling that keeps dependence in time
    reality_check        White's reality check and Hansen's SPA: is the best of many better than nothing?
"""
