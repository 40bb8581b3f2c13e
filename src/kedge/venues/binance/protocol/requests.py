"""Requests: what is called, with what, at which weight, and the bytes that go out.

A `Call` says everything about a request but who asks and when. `http_request` adds both: the key in its header, and for
signed calls `timestamp`, `recvWindow` and last the signature over the very bytes that are sent. Parameters of GET and
DELETE travel in the query string, those of POST and PUT in a form body.

`recvWindow` bounds how long a request that got lost on the way can still take effect: until `timestamp + recvWindow`
plus the ten seconds that the matching engine may take (`DEAD_AFTER_NS`). It is therefore kept small.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (general API information), FACTS.md 1.2, 1.4.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.secret import Secret
from kedge.venues.binance.protocol.signing import Signer, percent_encoded, query, rest_payload
from kedge.venues.wire.http import HttpRequest

RECV_WINDOW_MS = 5_000

#: After a request's own time, how long until it is certain that it will not take effect any more (FACTS.md 1.11).
DEAD_AFTER_NS = RECV_WINDOW_MS * NS_PER_MS + 10 * NS_PER_S

FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Security(StrEnum):
    """What a request must carry."""

    PUBLIC = "public"
    KEYED = "keyed"
    SIGNED = "signed"


class Purpose(StrEnum):
    """What a request is for: what ends or reduces goes before what opens, and never waits for it."""

    READ = "read"
    ORDER = "order"
    EXIT = "exit"
    CANCEL = "cancel"


class Call(Struct, frozen=True, gc=False):
    """One request to come. `weight` counts against the minute's weight of the address, `orders` against the account's
    order counters.
    """

    method: str
    path: str
    params: dict[str, str] = {}
    security: Security = Security.PUBLIC
    weight: int = 1
    orders: int = 0
    purpose: Purpose = Purpose.READ


def http_request(
    call: Call,
    base_url: str,
    api_key: Secret,
    signer: Signer | None,
    now_ns: int,
    recv_window_ms: int = RECV_WINDOW_MS,
) -> HttpRequest:
    """The request as it leaves. `now_ns` is the venue's time as well as we know it."""
    params = dict(call.params)
    if call.security is Security.SIGNED:
        params["timestamp"] = str(now_ns // NS_PER_MS)
        params["recvWindow"] = str(recv_window_ms)
    text = query(params)
    in_body = call.method in {"POST", "PUT"}
    if call.security is Security.SIGNED:
        assert signer is not None, f"{call.path} is signed, and there is no key"
        payload = rest_payload("", text) if in_body else rest_payload(text, "")
        text = f"{text}&signature={percent_encoded(signer.sign(payload))}"
    headers: tuple[tuple[str, str], ...] = ()
    if call.security is not Security.PUBLIC:
        headers = (("X-MBX-APIKEY", api_key.reveal()),)
    url = f"{base_url}{call.path}"
    if in_body:
        return HttpRequest(call.method, url, (*headers, FORM), text.encode())
    return HttpRequest(call.method, f"{url}?{text}" if text else url, headers)
