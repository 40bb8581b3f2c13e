"""Edits at the emulated Coinbase: taken in first, in the book a moment later, and refused in the venue's own way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.emulator.test_coinbase import BTC, Stream, Venue

D = Decimal


def edit(venue: Venue, placed: dict[str, Any], price: Any, size: Any, path: str = "/orders/edit") -> dict[str, Any]:
    asked = {"order_id": placed["order_id"], "price": str(price), "size": str(size)}
    status, told = venue.ask("POST", path, asked)
    assert status == 200, "a refusal is HTTP 200 too"
    answer: dict[str, Any] = told
    return answer


def reasons(told: dict[str, Any]) -> list[str]:
    """The one reason of each error that says something."""
    said = [name for error in told["errors"] for name in error.values()]
    return [name for name in said if not name.startswith("UNKNOWN_")]


def resting(price: Any = "50000", size: str = "0.02", **more: Any) -> tuple[Venue, dict[str, Any]]:
    venue = Venue()
    placed = venue.limit(price, size, **more)
    venue.wait(5)
    return venue, placed


def test_an_edit_is_queued_and_a_moment_later_the_order_is_another_under_its_id() -> None:
    venue, placed = resting(client_id="ours")
    stream = Stream(venue)
    stream.subscribe("user", jwt=venue.token())
    free = venue.dialect.desk.available("USD")
    assert edit(venue, placed, "50100", "0.01") == {"success": True, "errors": []}
    shown = venue.order(placed)
    assert (shown["status"], shown["order_configuration"]["limit_limit_gtc"]["limit_price"]) == ("EDIT_QUEUED", "50000")
    venue.wait(20)
    shown = venue.order(placed)
    assert (shown["status"], shown["client_order_id"]) == ("OPEN", "ours")
    inside = shown["order_configuration"]["limit_limit_gtc"]
    assert (inside["base_size"], inside["limit_price"]) == ("0.01", "50100")
    (noted,) = shown["edit_history"]
    assert (noted["size"], noted["price"]) == ("0.01", "50100")
    assert venue.dialect.desk.available("USD") - free == (D(1000) - D(501)) * D("1.012"), "it holds what it can spend"
    told = [order for message in stream.said() for event in message["events"] for order in event.get("orders", ())]
    assert [order["status"] for order in told][-2:] == ["EDIT_QUEUED", "OPEN"]
    assert (told[-1]["limit_price"], told[-1]["leaves_quantity"]) == ("50100", "0.01")
    venue.front.push_price(BTC, D(50_050))
    shown = venue.order(placed)
    assert (shown["status"], shown["filled_size"], shown["average_filled_price"]) == ("FILLED", "0.01", "50100")


@pytest.mark.parametrize(
    ("price", "size", "reason"),
    [
        ("50000.001", "0.02", "PREVIEW_INVALID_PRICE_PRECISION"),
        ("50000", "0.02000000001", "PREVIEW_INVALID_SIZE_PRECISION"),
        ("50000", "100", "PREVIEW_INSUFFICIENT_FUND"),
    ],
)
def test_terms_that_a_placing_would_not_get_are_refused_as_a_preview_would(price: str, size: str, reason: str) -> None:
    venue, placed = resting()
    told = edit(venue, placed, price, size)
    assert (told["success"], reasons(told)) == (False, [reason])
    assert reasons(edit(venue, placed, price, size, "/orders/edit_preview")) == [reason]
    assert venue.order(placed)["status"] == "OPEN"


def test_what_it_holds_already_may_be_spent_again() -> None:
    venue = Venue()
    free = venue.dialect.desk.available("USD")
    most = (free / D("1.012") / 50_000).quantize(D("0.0001")) - D("0.0001")
    placed = venue.limit("50000", str(most))
    venue.wait(5)
    assert edit(venue, placed, "49000", most)["success"]


def test_only_what_is_good_till_cancelled_can_be_edited() -> None:
    venue = Venue()
    dated = {"base_size": "0.01", "limit_price": "40000", "end_time": "2026-01-02T00:00:00Z", "post_only": False}
    other = venue.place({"limit_limit_gtd": dated})
    venue.wait(20)
    assert reasons(edit(venue, other, "40001", "0.01")) == ["ORDER_EDIT_NOT_SUPPORTED"]


def test_what_is_not_there_not_open_or_would_take_is_refused() -> None:
    venue, placed = resting(only=True)
    best = venue.best(asks=True)
    assert reasons(edit(venue, placed, best, "0.02")) == ["PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"]
    assert reasons(edit(venue, {"order_id": "nobody"}, "50000", "0.01")) == ["ORDER_NOT_FOUND"]
    assert edit(venue, placed, "50001", "0.02")["success"]
    assert reasons(edit(venue, placed, "50002", "0.02")) == ["ONLY_OPEN_ORDERS_CAN_BE_EDITED"], "one at a time"
    venue.wait(20)
    venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})
    venue.wait(20)
    assert reasons(edit(venue, placed, "50001", "0.01")) == ["ONLY_OPEN_ORDERS_CAN_BE_EDITED"]
    assert venue.ask("POST", "/orders/edit", {"order_id": placed["order_id"], "price": "1"})[0] == 400


def test_a_queued_edit_is_dropped_where_it_came_too_late() -> None:
    """It filled, or was cancelled, before the edit reached the book; the rest works as it did."""
    venue, placed = resting(venue_price := "50000")
    edit(venue, placed, "50100", "0.01")
    venue.ask("POST", "/orders/batch_cancel", {"order_ids": [placed["order_id"]]})
    venue.wait(30)
    shown = venue.order(placed)
    assert (shown["status"], shown["edit_history"]) == ("CANCELLED", [])
    venue, placed = resting(venue_price)
    edit(venue, placed, "49000", "0.02")
    venue.front.push_price(BTC, D(49_500))
    venue.wait(20)
    assert (venue.order(placed)["status"], venue.order(placed)["edit_history"]) == ("FILLED", [])


def test_an_edit_below_what_has_filled_is_refused() -> None:
    venue = Venue()
    price, size = venue.dialect.exchange.tapes[BTC].best(asks=True) or (D(0), D(0))
    placed = venue.limit(price, str(size + D("0.5")))
    venue.wait(5)
    filled = D(venue.order(placed)["filled_size"])
    assert filled == size
    assert reasons(edit(venue, placed, price, filled)) == ["CANNOT_EDIT_TO_BELOW_FILLED_SIZE"]
    assert edit(venue, placed, price, size + D("0.1"))["success"]
    venue.wait(20)
    shown = venue.order(placed)
    assert (shown["status"], D(shown["filled_size"])) == ("OPEN", size)
    assert D(shown["order_configuration"]["limit_limit_gtc"]["base_size"]) == size + D("0.1")
