"""Within the window every wish that was sent is known, to the moment; what is older is forgotten."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kedge.core.orders.wishes import SentWishes, fingerprint
from kedge.model.order import BUY, LIMIT, SELL, OrderIntent

D = Decimal
WINDOW = 100


def intent(number: int, kind: int) -> OrderIntent:
    side, price = (BUY, SELL)[kind % 2], D(100 + kind)
    return OrderIntent(id=f"o{number}", symbol="BTC-USD", side=side, order_type=LIMIT, quantity=D(1), price=price)


@given(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 3), st.booleans()), max_size=60))
def test_a_wish_is_known_for_the_window_and_no_longer(steps: list[tuple[int, int, bool]]) -> None:
    wishes, sent, now = SentWishes(), list[tuple[int, OrderIntent]](), 0
    for number, (wait, kind, goes) in enumerate(steps):
        now += wait
        wish = intent(number, kind)
        lately = [at for at, other in sent if at > now - WINDOW and fingerprint(other) == fingerprint(wish)]
        assert wishes.last_sent(wish, now - WINDOW) == (lately[-1] if lately else None)
        if goes:
            wishes.remember(wish, now, WINDOW)
            sent.append((now, wish))


def test_equal_figures_are_the_same_wish_however_they_are_written() -> None:
    wishes = SentWishes()
    wishes.remember(intent(1, 0), 10, WINDOW)
    same = OrderIntent(id="x", symbol="BTC-USD", side=BUY, order_type=LIMIT, quantity=D("1.0"), price=D("100.00"))
    assert wishes.last_sent(same, 0) == 10
