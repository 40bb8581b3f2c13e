"""The text of a result: its figures for people and for machines, and what a careful colleague would say of them."""
