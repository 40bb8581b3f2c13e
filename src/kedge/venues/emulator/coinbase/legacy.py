"""The few pages of the older `/v2` that stock clients ask for on their way to Advanced Trade."""

from __future__ import annotations

from kedge.model.instant import NS_PER_S
from kedge.venues.emulator.coinbase.pages import Pages
from kedge.venues.emulator.coinbase.replies import answer
from kedge.venues.emulator.coinbase.text import plain, written
from kedge.venues.emulator.wire import Reply

#: Path -> whether it needs a token.
LEGACY = {
    "/v2/time": False,
    "/v2/currencies": False,
    "/v2/currencies/crypto": False,
    "/v2/exchange-rates": False,
    "/v2/accounts": True,
}
_CRYPTO = {
    "BTC": ("Bitcoin", "5b71fc48-3dd3-540c-809b-f8c94d0e68b5"),
    "ETH": ("Ethereum", "d85dce9b-5b73-5c3c-8978-522ce1d1c1b4"),
}


class Legacy:
    """Answers them."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def serve(self, path: str) -> Reply:
        """One page; all of them are GET."""
        if path == "/v2/time":
            now = self._pages.now
            return answer({"data": {"iso": written(now), "epoch": now // NS_PER_S}})
        if path == "/v2/currencies":
            return answer({"data": [{"id": "USD", "name": "US Dollar", "min_size": "0.01"}]})
        if path == "/v2/currencies/crypto":
            coins = [
                {"code": code, "name": name, "exponent": 8, "type": "crypto", "asset_id": asset}
                for code, (name, asset) in _CRYPTO.items()
            ]
            return answer({"data": coins})
        if path == "/v2/exchange-rates":
            return answer({"data": {"currency": "USD", "rates": {"USD": "1", "USDC": "1"}}})
        return answer({"data": [self._account(each) for each in self._pages.currencies()]})

    def _account(self, currency: str) -> dict[str, object]:
        desk = self._pages.desk
        total = desk.available(currency) + desk.held(currency)
        return {
            "id": currency,
            "name": f"{currency} Wallet",
            "type": "wallet" if currency != "USD" else "fiat",
            "currency": {"code": currency},
            "balance": {"amount": plain(total), "currency": currency},
        }
