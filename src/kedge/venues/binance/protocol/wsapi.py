"""The WebSocket API: requests over a connection, their answers, and the subscription to the spot user stream.

Listen keys of spot are gone since 2026-02-20. A connection subscribes with `userDataStream.subscribe.signature`, which
any kind of key can sign and which needs no log-on; events then come wrapped as `{"subscriptionId", "event"}` for as long
as the connection lives, a day at most, and nothing is sent again afterwards (FACTS.md 1.6).

Parameters are signed sorted and unencoded, the key among them. An answer carries `id` and `status`; what failed has an
`error` whose `data.retryAfter` is an absolute time in milliseconds (FACTS.md 1.9).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_MS
from kedge.model.secret import Secret
from kedge.venues.answers import Failed
from kedge.venues.binance.protocol.errors import retry_after_of, ws_failure
from kedge.venues.binance.protocol.signing import Signer, ws_payload
from kedge.venues.exact import decode

SUBSCRIBE = "userDataStream.subscribe.signature"


class Response(Struct, frozen=True):
    """An answer that succeeded: `result` as it came, and what the venue says is used of its limits."""

    id: int | str | None
    result: bytes
    used: dict[str, int]


class _Error(Struct):
    code: int = 0
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Used(Struct):
    rateLimitType: str = ""  # noqa: N815
    interval: str = ""
    intervalNum: int = 1  # noqa: N815
    count: int = 0


class _Answer(Struct):
    status: int
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None
    rateLimits: list[_Used] = []  # noqa: N815


class _Subscription(Struct):
    subscriptionId: int  # noqa: N815


_ANSWER = msgspec.json.Decoder(_Answer)
_SUBSCRIPTION = msgspec.json.Decoder(_Subscription)

Params = dict[str, str | int | bool]


def request(number: int | str, method: str, params: Params | None = None) -> str:
    """The text of a request that needs no signature."""
    message: dict[str, object] = {"id": number, "method": method}
    if params:
        message["params"] = params
    return msgspec.json.encode(message).decode()


def signed_params(
    params: Params, api_key: Secret, signer: Signer, now_ns: int, recv_window_ms: int | None = None
) -> Params:
    """Parameters with the key, the venue's time and the signature over all of them."""
    full: Params = {**params, "apiKey": api_key.reveal(), "timestamp": now_ns // NS_PER_MS}
    if recv_window_ms is not None:
        full["recvWindow"] = recv_window_ms
    full["signature"] = signer.sign(ws_payload(full))
    return full


def subscribe(number: int | str, api_key: Secret, signer: Signer, now_ns: int, recv_window_ms: int = 5_000) -> str:
    """The text that subscribes to the user stream of the key's account."""
    return request(number, SUBSCRIBE, signed_params({}, api_key, signer, now_ns, recv_window_ms))


def answer(message: str | bytes, now_ns: int) -> Response | Failed:
    """What an answer says."""
    found = decode(message, _ANSWER, "answer")
    if found.error is not None or found.status >= 400:
        error = found.error or _Error()
        return ws_failure(found.status, error.code, error.msg, retry_after_of(error.data), now_ns)
    if found.status != 200:
        raise VenueError(f"answer: status {found.status} without an error")
    used = {f"{one.rateLimitType}:{one.intervalNum}{one.interval[:1]}": one.count for one in found.rateLimits}
    return Response(found.id, bytes(found.result) or b"null", used)


def subscription(response: Response) -> int:
    """The number of a subscription that was made."""
    return decode(response.result, _SUBSCRIPTION, "subscription").subscriptionId
