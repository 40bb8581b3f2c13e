"""Emulators: a venue's real wire protocol, over the simulated venue, on this machine.

    socket <-> server (aiohttp) <-> front (faults, sessions) <-> dialect (one venue's protocol) <-> exchange
    exchange = timeline (virtual time) + market (seeded or from a file) + SimulatedVenue (matching, account) + tape

Everything but `server` is a pure object that is told what time it is: a test drives it without a socket, and equal seeds
and calls give equal bytes. A dialect is written from the venue's documentation alone and never imports a gateway of ours:
what both misread alike, no test could see. `docs/guide/emulators.md` says what is faithful and what is not.
"""
