"""Research: which parameters, would they have held outside the sample, and how much of it is luck."""
