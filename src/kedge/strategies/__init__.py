"""The strategies that Kedge ships, and the indicators they are made of."""
