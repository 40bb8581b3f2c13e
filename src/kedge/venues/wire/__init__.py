"""What a venue's shell touches the world through: HTTP, WebSocket, DNS and the clock, each a port of one small interface.

Shells know the ports alone. The real implementations (`aio`) and the ones in memory (`memory`) pass the same contract
test, so a simulated network under a virtual clock can take their place.
"""
