"""The WebSocket API: REST's handlers under other names, in an envelope, with a logon for Ed25519 keys.

`{"id", "method", "params"}` in, `{"id", "status", "result" | "error", "rateLimits"}` out. A request that is signed carries
`apiKey`, `timestamp` and `signature` over all parameters sorted by name; after `session.logon` it carries neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kedge.model.instant import NS_PER_MS
from kedge.venues.emulator.binance.credentials import ws_payload
from kedge.venues.emulator.binance.fields import Fields, flat, microseconds, wants_microseconds
from kedge.venues.emulator.binance.gate import PUBLIC, SIGNED, Gate, Route
from kedge.venues.emulator.binance.refused import Refused, missing
from kedge.venues.emulator.faults import Fault
from kedge.venues.emulator.wire import Session

Special = Callable[[Session, Fields], Any]


class WebSocketApi:
    """Answers the requests of WebSocket API connections. `methods` are routes by name, `specials` need the session."""

    def __init__(self, gate: Gate, methods: dict[str, Route], specials: dict[str, tuple[Special, str]]) -> None:
        self._gate = gate
        self._methods = methods
        self._specials = specials | {
            "session.logon": (self._logon, SIGNED),
            "session.status": (self._status, PUBLIC),
            "session.logout": (self._logout, PUBLIC),
        }

    def receive(self, session: Session, text: str) -> None:
        """One request, past the faults that name its method."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            session.push(_said(None, Refused(-1135, "Invalid JSON Request"), []))
            return
        number = asked.get("id") if isinstance(asked, dict) else None
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            session.push(_said(number, Refused(-1135, "Invalid JSON Request"), []))
            return
        if not isinstance(number, str | int | None):
            session.push(_said(None, Refused(-1135, "Invalid 'id' in JSON request"), []))
            return
        self._behind_faults(session, number, asked["method"], asked.get("params") or {})

    def _behind_faults(self, session: Session, number: Any, method: str, params: Any) -> None:
        faults = self._gate.faults
        if faults.take(Fault.DROP_BEFORE, method):
            return
        for fault in (Fault.RATE_LIMIT, Fault.BAN, Fault.ERROR):
            rule = faults.take(fault, method)
            if rule is not None:
                if rule.executed:
                    self._answer(session, method, params)
                reply = self._gate.failure(rule)
                refused = Refused(status=reply.status, **_code_of(reply.body))
                if fault is not Fault.ERROR:
                    refused.data = {"retryAfter": (self._gate.timeline.now // NS_PER_MS) + rule.ms}
                session.push(_said(number, refused, []))
                return
        answer, limits = self._answer(session, method, params)
        if _in_microseconds(self._gate, session):
            answer = answer if isinstance(answer, Refused) else microseconds(answer)
        hidden = isinstance(params, dict) and params.get("returnRateLimits") is False
        said = _said(number, answer, [] if hidden else limits)
        if faults.take(Fault.DUPLICATE, method):
            self._answer(session, method, params)
        if faults.take(Fault.DROP_AFTER, method):
            return
        late = faults.take(Fault.LATENCY, method)
        if late is None:
            session.push(said)
        else:
            self._gate.timeline.after(late.ms * NS_PER_MS, lambda: session.push(said))

    def _answer(self, session: Session, method: str, params: Any) -> tuple[Any, list[dict[str, Any]]]:
        gate = self._gate
        now = gate.timeline.now
        stopped = gate.over_limit(now)
        if stopped is not None:
            stopped.data = {"serverTime": now // NS_PER_MS, "retryAfter": gate.retry_at(now) // NS_PER_MS}
            return stopped, gate.rate_limits(orders=False)
        route = self._methods.get(method)
        orders = route is not None and route.order
        try:
            if not isinstance(params, dict):
                raise Refused(-1135, "Invalid 'params' in JSON request; expected an object.")
            if route is None:
                special, security = self._specials.get(method, (None, PUBLIC))
                if special is None:
                    raise Refused(-1000, f"Unknown method: '{method}'.")
                fields = self._fields(session, params, security)
                gate.weights.add(2, now)
                return special(session, fields), gate.rate_limits(orders=False)
            gate.paused(route)
            fields = self._fields(session, params, route.security)
            weight = gate.charge(route, fields)
            if route.order:
                gate.count_order()
            answer = route.handler(fields)
            if route.free_on_success:
                gate.weights.add(-weight, now)
        except Refused as refused:
            return refused, gate.rate_limits(orders=orders)
        return answer, gate.rate_limits(orders=orders)

    def _fields(self, session: Session, params: dict[str, Any], security: str) -> Fields:
        gate = self._gate
        values = flat(params)
        logged_on = str(session.state.get("logged_on") or "")
        if security == PUBLIC:
            return Fields(values, gate.timeline.now, logged_on)
        if logged_on and "apiKey" not in values:
            fields = Fields(values, gate.timeline.now, logged_on)
            if "timestamp" in values:
                gate.check_time(fields, "timestamp")
            return fields
        api_key = values.get("apiKey", "")
        if not api_key:
            raise missing("apiKey")
        gate.check_key(api_key)
        if security == SIGNED:
            gate.check_signature(api_key, ws_payload(params, values), values.get("signature", ""))
            fields = Fields(values, gate.timeline.now, api_key)
            gate.check_time(fields, "timestamp")
        return Fields(values, gate.timeline.now, api_key)

    def _logon(self, session: Session, fields: Fields) -> dict[str, Any]:
        credential = self._gate.credentials.find(fields.api_key)
        if credential is None or not credential.is_ed25519:
            raise Refused(-4056, "HMAC_SHA256 API key is not supported.")
        session.state["logged_on"] = fields.api_key
        session.state["logged_on_since"] = self._gate.now // NS_PER_MS
        return self._status(session, fields)

    def _logout(self, session: Session, fields: Fields) -> dict[str, Any]:
        session.state.pop("logged_on", None)
        return self._status(session, fields)

    def _status(self, session: Session, fields: Fields) -> dict[str, Any]:
        logged_on = session.state.get("logged_on")
        return {
            "apiKey": logged_on,
            "authorizedSince": session.state.get("logged_on_since") if logged_on else None,
            "connectedSince": session.opened // NS_PER_MS,
            "returnRateLimits": True,
            "serverTime": self._gate.now // NS_PER_MS,
            "userDataStream": bool(session.state.get("subscriptions")),
        }


def _in_microseconds(gate: Gate, session: Session) -> bool:
    """Whether a connection asked for microseconds, and the product has them."""
    return gate.limits.microseconds and wants_microseconds(session.query)


def _code_of(body: bytes) -> dict[str, Any]:
    told = msgspec.json.decode(body)
    return {"code": told["code"], "message": told["msg"]}


def _said(number: Any, answer: Any, limits: list[dict[str, Any]]) -> str:
    if isinstance(answer, Refused):
        told = {"id": number, "status": answer.status, "error": answer.body()}
    else:
        told = {"id": number, "status": 200, "result": answer}
    return msgspec.json.encode(told | ({"rateLimits": limits} if limits else {})).decode()
