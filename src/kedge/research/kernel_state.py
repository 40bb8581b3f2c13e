"""The places of the kernel's numbers: what is set for a run, what the account has, what is known and held of each symbol.

The kernel works on two flat arrays, so that the same text runs compiled and interpreted: `x` of 64-bit numbers and `w`
of 128-bit ones (amounts of money, two entries each). These are the names of their entries: first the settings and the
account, then a block for each symbol. `plan` fills them.
"""

from __future__ import annotations

from typing import Final

# settings of a run, in x ---------------------------------------------------------------------------------------------
SYMBOLS: Final = 0
ALLOW_SHORT: Final = 1
PROTECTED: Final = 2  # whether entries bring exits
STOP_NUM: Final = 3  # distances of exits as fractions of the close; -1: no such exit
STOP_DEN: Final = 4
TARGET_NUM: Final = 5
TARGET_DEN: Final = 6
TRAIL_NUM: Final = 7
TRAIL_DEN: Final = 8
WATCHES: Final = 9  # whether a loss limit is set
FLATTENS: Final = 10  # whether a broken one flattens, or else halts
DRAWDOWN_NUM: Final = 11  # -1: no such limit
DRAWDOWN_DEN: Final = 12
SLIP_NUM: Final = 13
SLIP_DEN: Final = 14
REACH_NUM: Final = 15  # how far from the price a closing order of a flatten may go
REACH_DEN: Final = 16
LEVERAGE_NUM: Final = 17  # notional over equity that the venue allows
LEVERAGE_DEN: Final = 18
FEE_UNIT: Final = 19  # money units in the 1e-12 that fees are cut to
RATE_DEN: Final = 20  # of all fee rates
FEE_DIVISOR: Final = 21  # value x rate / this = fee in 1e-12
RESERVE_NUM: Final = 22  # budget x this / other = what may be spent
RESERVE_DEN: Final = 23
KEEPS_POINTS: Final = 24  # whether equity is kept after every bar
FILLS_MAX: Final = 25  # how many fills are kept one by one
LIVE_FROM: Final = 26  # the bar from which on orders count: before it a symbol of the strategy is still warming up

# the account, in x ---------------------------------------------------------------------------------------------------
NOW: Final = 27
HALT: Final = 28  # one of the halts below
TRADES: Final = 29
TURNED_DOWN: Final = 30  # orders refused, expired, or of no quantity
FLAG: Final = 31  # why the run is not the kernel's; 0: it is
FILLS: Final = 32
DAY: Final = 33

#: Where the blocks of the symbols begin in x.
FIRST: Final = 34

# a symbol, in x: its rules -------------------------------------------------------------------------------------------
TICK: Final = 0
LOT: Final = 1  # money units of one lot at a price of one unit
QUANTITY: Final = 2  # lots to hold; -1: the budget
LOTS_MIN: Final = 3
LOTS_MAX: Final = 4
TAKER: Final = 5  # fee rates, over RATE_DEN
MAKER: Final = 6
MAINTENANCE_NUM: Final = 7
MAINTENANCE_DEN: Final = 8
SHORTABLE: Final = 9
ORDER_LOTS_MAX: Final = 10  # limits of risk; -1: not set
POSITION_LOTS_MAX: Final = 11
UNITS_MAX: Final = 12  # more is not held: an amount might not fit

# a symbol, in x: its book --------------------------------------------------------------------------------------------
POSITION: Final = 13  # lots, signed
UNITS: Final = 14  # the position x LOT: times a price it is money
PRICE: Final = 15  # the last close; 0: none yet
ENDED: Final = 16  # when the last bar ended
WANTED: Final = 17  # the side that the column wants
OWED: Final = 18  # whether an entry to it is still to be asked for
DEATH_LOW: Final = 19  # a long is liquidated at or below this
DEATH_HIGH: Final = 20  # a short at or above this
SIDE: Final = 21  # the order on its way: 0 none, 1 buy, -1 sell
LOTS: Final = 22
REDUCES: Final = 23
ARRIVED: Final = 24  # when it reached the venue
WORST: Final = 25  # the price it was valued at
BOUND: Final = 26  # its limit; 0: a market order
NEXT_STOP: Final = 27  # the exits that its fill brings; 0: none
NEXT_TARGET: Final = 28
NEXT_TRAIL: Final = 29
EXITS: Final = 30  # 0 none, 1 arriving, 2 working
EXITS_AT: Final = 31
STOP: Final = 32
TARGET: Final = 33
TRAIL: Final = 34
TRAIL_LEVEL: Final = 35
EXITS_WORST: Final = 36  # the highest price one of them was valued at

BLOCK: Final = 37

# amounts of the run and the account, in w; -1 where a limit is not set -----------------------------------------------
W_DAILY_LOSS: Final = 0
W_GROSS: Final = 1
W_CASH: Final = 2
W_FEES: Final = 3
W_DAY_START: Final = 4
W_PEAK: Final = 5
W_LAST: Final = 6

#: Where the blocks of the symbols begin in w.
W_FIRST: Final = 7

# amounts of a symbol, in w; -1 where a limit is not set --------------------------------------------------------------
W_COST: Final = 0
W_NOTIONAL_MIN: Final = 1
W_ORDER_NOTIONAL: Final = 2
W_POSITION_NOTIONAL: Final = 3

W_BLOCK: Final = 4

# halts ----------------------------------------------------------------------------------------------------------------
RUNNING: Final = 0
HALTED: Final = 1
FLATTENING: Final = 2

# why a run is not the kernel's ----------------------------------------------------------------------------------------
OVERFLOW: Final = 1
LIQUIDATION: Final = 2
FLATTEN: Final = 3
RUIN: Final = 4
INSIDE: Final = 5

REASONS: Final = {
    OVERFLOW: "an amount is too large for fixed point",
    LIQUIDATION: "a liquidation price was reached",
    FLATTEN: "a flatten met other orders on their way",
    RUIN: "the account had no equity left",
    INSIDE: "an order arrived inside a bar",
}

#: What is kept of a fill: symbol, signed lots, price, fee in 1e-12, whether it made the price, slippage, time.
FILL_FIELDS: Final = 7

#: A price that no market reaches.
NEVER: Final = 2**62
