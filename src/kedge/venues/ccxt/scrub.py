"""What may be seen of a text of ccxt's: its errors quote whole requests, addresses, headers and bodies.

    our own secrets             ***, in every spelling that a request gives them
    an address                  scheme, host and path; no user, no query, no fragment
    what follows a `?`          nothing
    `signature=…`, `token: …`   the name alone, whatever the value
    what looks like a key       ***: long, and neither a word nor an order's id

The last three need not know the secret: signatures and tokens are made anew for each request. What is blotted out for nothing
costs a glance at the venue's own log; what is not, the account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from kedge.model.secret import Secret
from kedge.venues.shell import BLOT_MIN

BLOT: Final = "***"
OPAQUE_MIN: Final = 32

#: A query may be quoted inside JSON inside an error, so it ends where no query goes on.
_ENDS: Final = r"\s\"'<>\\,;(){}\[\]|"
_ADDRESS: Final = rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{1,9}})://(?P<place>[^?#{_ENDS}]*)(?P<tail>[?#][^{_ENDS}]*)?"
_QUERY: Final = rf"\?[^{_ENDS}]*=[^{_ENDS}]*"
_NAMED: Final = (
    r"(?P<name>[\w-]*(?:api[-_ ]?key|apikey|access[-_]key|secret|signature|[-_]sign\b|\bsign\b|\bsig\b|pass(?:word|phrase)"
    r"|token|\bjwt|authorization|private[-_ ]?key|wallet[-_ ]?(?:address|key)|\buid\b|twofa|listen[-_]?key)[\w-]*)"
    r"(?P<mark>[\\\"']*\s*[:=]\s*[\\\"']*)(?P<value>(?:Bearer |Basic )?[^\s\"'\\,;&(){}\[\]]+)"
)
_BEARER: Final = r"(?P<bearer>\b(?:Bearer|Basic) )[^\s\"'\\,;]+"
_RUN: Final = rf"[A-Za-z0-9+/=_%.~-]{{{OPAQUE_MIN},}}"
_FOUND: Final = re.compile("|".join((_ADDRESS, _QUERY, _NAMED, _BEARER, rf"(?P<run>{_RUN})")), re.IGNORECASE)
_UUID: Final = re.compile(r"(?:ccxt-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-f]+", re.IGNORECASE)


class Scrubber:
    """Makes a text fit to be seen. `secrets` are known; short ones stand in too many texts, and are left alone."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        found = {spelled for secret in secrets for spelled in _spellings(secret.reveal())}
        self._blots = tuple(sorted(found, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for blot in self._blots:
            text = text.replace(blot, BLOT)
        return _FOUND.sub(_seen, text)

    def __repr__(self) -> str:
        return f"Scrubber({len(self._blots)} blots)"


def _spellings(secret: str) -> set[str]:
    """A secret as requests spell it: whole, each line of a key with several, escaped for an address, in other letters."""
    lines = [line.strip() for line in secret.replace("\\n", "\n").splitlines()]
    whole = [secret, *(line for line in lines if not line.startswith("-----"))]
    bare = [text.removeprefix("0x") for text in whole]
    spelled = {
        way
        for text in (*whole, *bare)
        for way in (text, quote(text, safe=""), quote_plus(text), text.lower(), text.upper())
    }
    return {text for text in spelled if len(text) >= BLOT_MIN}


def _seen(match: re.Match[str]) -> str:
    if match["scheme"]:
        place = match["place"].rpartition("@")[2]
        return f"{match['scheme']}://{'/'.join(map(_unless_opaque, place.split('/')))}"
    if match["name"]:
        return f"{match['name']}{match['mark']}{BLOT}"
    if match["bearer"]:
        return f"{match['bearer']}{BLOT}"
    return _unless_opaque(match["run"]) if match["run"] else f"?{BLOT}"


def _unless_opaque(text: str) -> str:
    """A word, a path or an order's id as it is; what can be nothing but a key, a signature or a token, blotted out."""
    if len(text) < OPAQUE_MIN or _UUID.fullmatch(text):
        return text
    digits = any(map(str.isdigit, text))
    mixed = digits and any(map(str.isupper, text)) and any(map(str.islower, text))
    return BLOT if mixed or _HEX.fullmatch(text) or (digits and text.isalnum()) else text
