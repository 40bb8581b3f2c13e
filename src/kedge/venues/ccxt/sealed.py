"""ccxt's classes, sealed: they log nothing, and read our clock.

`verbose` and the `ccxt` loggers print requests with their headers, signatures included, and every library and user of this
process may switch them on, at any time. So they have no effect on our objects. Nor has the event loop anything to log: a failure
that ccxt.pro keeps for somebody who never asks, or raises while it reads a message, would be printed by the loop, with what the
venue said. The latter leaves its connection open and deaf, besides; so it ends the connection, and every stream on it hears why.

What was closed stays closed: ccxt opens its session anew for whatever it still has under way, and nobody would close that.

Redirects are not followed: a 307 would carry an order, and the key in its header, to wherever the answer says. Certificates are
verified by the one context that it is given.

An answer is one with a status of success and JSON in it. ccxt passes over statuses that it has no class for, and takes a page of
text for an answer without anything in it: an empty account, no open orders (hazard H18).

The clock is ours so that a signature's time, our measure of the venue's clock and a test's time are one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from kedge.model.instant import NS_PER_MS
from kedge.venues.wire.clock import Clock

#: Of no hierarchy: nobody finds it to turn it up.
_MUTE = logging.Logger("kedge.venues.ccxt.mute", logging.CRITICAL + 1)  # noqa: LOG001


_METHODS: Final = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})


def sealed(kind: type[Any], clock: Clock) -> type[Any]:
    """A class of ccxt's for one venue that says nothing and tells the time by `clock`."""

    def milliseconds(_: Any = None) -> int:
        return clock.now_ns() // NS_PER_MS

    def client(self: Any, url: str) -> Any:
        known = url in (self.clients or {})
        made = kind.client(self, url)
        if not known:
            plain = made.future
            made.future = lambda name: _heard(plain(name))
            made.handle_message = _ending(made)
            _heard(made.connected)
        return made

    def open_(self: Any) -> None:
        if self.shut:
            raise ConnectionError("the gateway is closed")
        kind.open(self)
        if not isinstance(self.session, Direct):
            self.session = Direct(self.session)

    def status(self: Any, code: int, reason: str, url: str, method: str, body: str) -> None:
        import ccxt

        kind.handle_http_status_code(self, code, reason, url, method, body)
        if not 200 <= code < 300:
            raise ccxt.BadResponse(f"{self.id} {method} {url} {code} {reason} {body}")

    async def fetch(self: Any, *request: Any) -> Any:
        import ccxt

        told = await kind.fetch(self, *request)
        if not isinstance(told, dict | list):
            raise ccxt.BadResponse(f"{self.id} {request[0]}: no JSON: {told}")
        return told

    members: dict[str, Any] = {
        "shut": False,
        "open": open_,
        "handle_http_status_code": status,
        "fetch": fetch,
        "verbose": property(lambda _: False, lambda _, __: None),
        "logger": property(lambda _: _MUTE, lambda _, __: None),
        "log": lambda *_: None,
        "print": lambda *_: None,
        "milliseconds": milliseconds,
        "seconds": lambda _=None: milliseconds() // 1_000,
        "microseconds": lambda _=None: milliseconds() * 1_000,
        "__repr__": lambda self: f"<ccxt {self.id}>",
        "client": client,
        "spawn": lambda self, *work: _heard(kind.spawn(self, *work)),
    }
    return type(kind.__name__, (kind,), members)


class Direct:
    """An aiohttp session that follows no redirect, and sends nothing again by itself: a DELETE whose kept connection breaks
    under it would be, and there is no public switch.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        plain._retry_connection = False  # noqa: SLF001

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        return partial(found, allow_redirects=False) if name in _METHODS else found


def _heard(future: Any) -> Any:
    """A future whose failure counts as heard; who awaits it hears it all the same."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _ending(client: Any) -> Callable[[Any], None]:
    """A connection's reader that ends the connection where a message cannot be read."""
    plain = client.handle_message

    def read(message: Any) -> None:
        try:
            plain(message)
        except Exception as error:  # noqa: BLE001  (whatever ccxt raises, who watches must hear it)
            client.on_error(error)

    return read
