"""Our order id as a `cloid`, the venue's client id of 128 bits (`0x` and 32 hexadecimal digits), and back.

Twenty characters of the alphabet below fill 120 bits at six bits each, and the first byte says that the rest is such a
text: `kedge-7-4321` can be read back from the venue by a process that remembers nothing. An id that does not fit is
hashed (SHA-256, 120 bits); then the process must know the id to recognize it, as it does of every order in its journal.
The first bytes are ours, so that another's order is told from our own (hazard H22).
"""

from __future__ import annotations

import re
from hashlib import sha256

#: Sixty-three characters; the value 0 is the end.
ALPHABET = "-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
CHARACTERS_MAX = 20

_SPELLED = 0x4B
_HASHED = 0x6B
_VALUES = {character: value for value, character in enumerate(ALPHABET, 1)}
_CLOID = re.compile(r"0x[0-9a-f]{32}", re.ASCII)


def cloid_of(order_id: str) -> str:
    """The venue's client id of one of our orders: a function of the id alone."""
    values = [_VALUES.get(character, 0) for character in order_id]
    if order_id and len(values) <= CHARACTERS_MAX and all(values):
        bits = 0
        for value in [*values, *(0 for _ in range(CHARACTERS_MAX - len(values)))]:
            bits = bits << 6 | value
        return f"0x{_SPELLED:02x}{bits:030x}"
    return f"0x{_HASHED:02x}{sha256(order_id.encode()).hexdigest()[:30]}"


def order_id_of(cloid: str) -> str:
    """Our order id that a client id spells; empty where it spells none."""
    given = cloid.lower()
    if not _CLOID.fullmatch(given) or int(given[2:4], 16) != _SPELLED:
        return ""
    bits = int(given[4:], 16)
    values = [bits >> 6 * place & 63 for place in reversed(range(CHARACTERS_MAX))]
    spelled = "".join(ALPHABET[value - 1] for value in values if value)
    return spelled if spelled and cloid_of(spelled) == given else ""


def is_ours(cloid: str) -> bool:
    """Whether one of our processes made this client id, spelled or hashed."""
    given = cloid.lower()
    return bool(_CLOID.fullmatch(given)) and (int(given[2:4], 16) == _HASHED or bool(order_id_of(given)))
