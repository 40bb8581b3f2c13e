"""The report of a backtest: the figures as text, what a careful colleague would say, and one HTML page."""
