"""Decide: orders that follow from orders. Brackets and one-cancels-other today; execution algorithms have
their place here.
"""
