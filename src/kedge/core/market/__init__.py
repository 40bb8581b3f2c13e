"""The market fold: what the market told us, validated, and what may be believed of it now."""
