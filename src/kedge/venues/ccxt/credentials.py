"""Whose account it is, in ccxt's words: which of its fields our key and secret are, and what must never be seen of them.

Some venues want more than two: a passphrase, a wallet, a number of the user. They come among the options, under ccxt's names,
as text or `Secret`. All of them are secrets to us, the key included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kedge.model.secret import Secret

#: What ccxt calls the parts of a credential.
FIELDS: Final = (
    "apiKey",
    "secret",
    "uid",
    "accountId",
    "login",
    "password",
    "twofa",
    "privateKey",
    "walletAddress",
    "token",
)


def credentials(
    required: Mapping[str, bool], api_key: str, api_secret: Secret, options: dict[str, Any]
) -> tuple[dict[str, Any], tuple[Secret, ...]]:
    """ccxt's fields, taken out of `options` where they are there, and everything that is secret in them."""
    wallet = bool(required.get("privateKey")) and not required.get("secret")
    key, secret = ("walletAddress", "privateKey") if wallet else ("apiKey", "secret")
    given = {key: Secret(api_key), secret: Secret(_lines(api_secret.reveal()))}
    for name in FIELDS:
        if name in options:
            value = options.pop(name)
            given[name] = value if isinstance(value, Secret) else Secret(str(value))
    known = {name: each for name, each in given.items() if each}
    return {name: each.reveal() for name, each in known.items()}, tuple(known.values())


def _lines(secret: str) -> str:
    """A key of several lines as it is, also where an environment variable spells its ends of line."""
    return secret.replace("\\n", "\n") if secret.startswith("-----BEGIN") else secret
