"""The examination that every gateway takes, be it over a simulated venue, an emulator or a venue's own test net.

    examinee   a gateway, and the hand that moves the venue behind it
    market     what is listed, what the market is
    orders     an order's whole life, and every way in which an answer can be missing
    account    fills, positions, balances, margin, the key
    streams    what is told without being asked
    examine    all of it, in order

Each question is a function that asserts, or says by `NotApplicable` that the venue cannot do what it asks about. A gateway
that passes can be traded through; one that fails says where it would have lost money.
"""
