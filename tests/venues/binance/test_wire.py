"""What goes over the wire: numbers, ids, signatures and the requests that carry them."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError, UserError, VenueError
from kedge.model.secret import Secret
from kedge.venues.binance.protocol import calls
from kedge.venues.binance.protocol.names import (
    INTERVALS,
    interval_name,
    interval_ns,
    is_client_id,
    made_by_venue,
    to_client_id,
    to_order_id,
)
from kedge.venues.binance.protocol.numbers import amount, levels, price, price_or_none, signed, to_wire, when
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Call, Security, http_request
from kedge.venues.binance.protocol.signing import percent_encoded, signer, ws_payload

D = Decimal
NOW = 1_700_000_000_000_000_000
SECRET = Secret("a-secret-canary")
KEY = Secret("a-key-canary")

money = st.decimals(0, D("1e15"), allow_nan=False, allow_infinity=False, places=12)


# numbers -------------------------------------------------------------------------------------------------------------


@given(money)
def test_a_number_survives_the_way_out_and_back(number: Decimal) -> None:
    text = to_wire(number)
    assert amount(text, "x") == number
    assert set(text) <= set("0123456789.")


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_what_leaves_is_plain_or_refused(number: Decimal) -> None:
    try:
        text = to_wire(number)
    except UserError:
        assert not number.is_finite() or number < 0 or abs(number.adjusted()) >= 18 or -number.as_tuple().exponent > 18  # type: ignore[operator]
    else:
        assert "e" not in text.lower()
        assert D(text) == number


@pytest.mark.parametrize(
    ("number", "text"), [("1E-5", "0.00001"), ("1E+3", "1000"), ("0E-8", "0"), ("-0", "0"), ("2.500", "2.5")]
)
def test_no_exponent_and_no_trailing_zeros_leave(number: str, text: str) -> None:
    assert to_wire(D(number)) == text


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-1",
        "+1",
        "1e5",
        "1_0",
        " 1",
        "1 ",
        "1\n",
        ".5",
        "5.",
        "",
        "１",
        "1" * 21,
        "0." + "1" * 21,
        None,
        1,
        1.5,
        True,
        [],
        {},
    ],
)
def test_what_is_no_amount_is_the_venues_fault(text: object) -> None:
    with pytest.raises(VenueError):
        amount(text, "quantity")


@pytest.mark.parametrize("text", ["0", "0.000", "0E0"])
def test_a_price_of_zero_is_none(text: str) -> None:
    with pytest.raises(VenueError):
        price(text)
    if text != "0E0":
        assert price_or_none(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("1e-05", "0.00001"), ("-0.0375", "-0.0375"), (5, "5"), (D("0.0065"), "0.0065")]
)
def test_rules_and_rates_may_be_small_and_negative(text: object, number: str) -> None:
    assert signed(text, "x") == D(number)


@pytest.mark.parametrize("text", ["NaN", "1e999", "1e-99", "", "0x1", 1.5, None, True])
def test_what_is_no_rate_is_the_venues_fault(text: object) -> None:
    with pytest.raises(VenueError):
        signed(text, "x")


def test_a_level_of_a_snapshot_may_not_be_zero_and_one_of_a_change_removes() -> None:
    assert levels([("1.50", "0")], zero_removes=True) == ((D("1.5"), D(0)),)
    for rows in ([("1.5", "0")], [("0", "1")]):
        with pytest.raises(VenueError):
            levels(rows, zero_removes=False)
    with pytest.raises(VenueError):
        levels([("0.00", "1")], zero_removes=True)


@pytest.mark.parametrize("moment", [-1, 4_102_444_800_000, "1", 1.5, True, None])
def test_a_time_out_of_range_is_the_venues_fault(moment: object) -> None:
    with pytest.raises(VenueError):
        when(moment)


# names ---------------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable()))
def test_a_client_id_fits_the_venue_and_is_read_back(order_id: str) -> None:
    client_id = to_client_id(order_id)
    assert is_client_id(client_id)
    assert to_order_id(client_id, [order_id]) == order_id
    if not client_id.startswith("_h"):
        assert to_order_id(client_id) == order_id


@given(st.lists(st.text(min_size=1, max_size=50), min_size=2, max_size=20, unique=True))
def test_different_ids_stay_different(order_ids: list[str]) -> None:
    assert len({to_client_id(order_id) for order_id in order_ids}) == len(order_ids)


def test_an_id_of_the_core_is_sent_as_it_is() -> None:
    assert to_client_id("kedge-17-4211") == "kedge-17-4211"


@given(st.from_regex(r"[a-zA-Z0-9\-_]{1,36}", fullmatch=True))
def test_the_ids_of_others_are_read_without_trouble(client_id: str) -> None:
    assert isinstance(to_order_id(client_id), str)


@pytest.mark.parametrize("client_id", ["autoclose-123", "adl_autoclose", "settlement_autoclose-1"])
def test_orders_that_the_venue_makes_are_told_apart(client_id: str) -> None:
    assert made_by_venue(client_id)
    assert not made_by_venue("kedge-1-2")


def test_intervals_there_and_back() -> None:
    for seconds, name in INTERVALS.items():
        assert interval_name(seconds * 10**9) == name
        assert interval_ns(name) == seconds * 10**9
    with pytest.raises(UserError):
        interval_name(7 * 10**9)
    with pytest.raises(VenueError):
        interval_ns("1M")


# signatures and requests ---------------------------------------------------------------------------------------------


@given(st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_percent_encoding_is_the_standards(text: str) -> None:
    assert percent_encoded(text) == quote(text, safe="")


@given(
    st.dictionaries(
        st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True), st.text(max_size=12).filter(str.isprintable), max_size=6
    ),
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
)
def test_the_signature_is_over_the_bytes_that_are_sent(params: dict[str, str], method: str) -> None:
    call = Call(method, "/api/v3/order", params, Security.SIGNED)
    request = http_request(call, "https://api.test", KEY, signer(SECRET), NOW)
    sent = request.body.decode() or urlsplit(request.url).query
    payload, _, signature = sent.rpartition("&signature=")
    assert hmac.new(b"a-secret-canary", payload.encode(), hashlib.sha256).hexdigest() == signature
    assert bool(request.body) is (method in {"POST", "PUT"})
    told = dict(parse_qsl(payload, keep_blank_values=True))
    assert told == {**params, "timestamp": "1700000000000", "recvWindow": "5000"}


def test_a_public_request_carries_no_key_and_a_keyed_one_no_signature() -> None:
    public = http_request(calls.server_time(Product.SPOT), "https://api.test", KEY, signer(SECRET), NOW)
    assert public.headers == ()
    keyed = http_request(calls.listen_key(), "https://api.test", KEY, None, NOW)
    assert dict(keyed.headers)["X-MBX-APIKEY"] == KEY.reveal()
    assert b"signature" not in keyed.body


@given(st.permutations(["symbol", "side", "apiKey", "timestamp"]))
def test_the_websocket_api_signs_sorted_and_unencoded(order: list[str]) -> None:
    values = {"symbol": "１２", "side": "BUY", "apiKey": "k&k", "timestamp": 5}
    assert ws_payload({name: values[name] for name in order}) == "apiKey=k&k&side=BUY&symbol=１２&timestamp=5".encode()


@pytest.mark.parametrize("secret", ["", "  ", "-----BEGIN PRIVATE KEY-----\nrubbish-canary\n-----END PRIVATE KEY-----"])
def test_a_bad_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        signer(Secret(secret))
    assert "canary" not in str(refused.value)


def test_no_signer_shows_its_key() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for secret in ("a-secret-canary", pem, pem.replace("\n", "\\n")):
        shown = repr(signer(Secret(secret)))
        assert "***" in shown
        assert "canary" not in shown


# calls ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "asked", "sent", "weight"),
    [
        (Product.SPOT, 1, 1, 5),
        (Product.SPOT, 100, 100, 5),
        (Product.SPOT, 101, 101, 25),
        (Product.SPOT, 1_000, 1_000, 50),
        (Product.SPOT, 99_999, 5_000, 250),
        (Product.USDM, 1, 5, 2),
        (Product.USDM, 51, 100, 5),
        (Product.USDM, 101, 500, 10),
        (Product.USDM, 501, 1_000, 20),
        (Product.USDM, 99_999, 1_000, 20),
    ],
)
def test_the_depth_of_a_book_is_one_that_is_offered_at_its_weight(
    product: Product, asked: int, sent: int, weight: int
) -> None:
    call = calls.depth(product, "BTCUSDT", asked)
    assert (call.params["limit"], call.weight) == (str(sent), weight)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_an_end_is_exclusive_here_and_inclusive_there(start_ms: int, length_ms: int) -> None:
    call = calls.candles(Product.SPOT, "BTCUSDT", 60 * 10**9, start_ms * 10**6, (start_ms + length_ms) * 10**6)
    assert int(call.params["endTime"]) - int(call.params["startTime"]) == length_ms - 1
