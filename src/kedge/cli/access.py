"""From the environment to a venue: where it is and who we are there."""

from __future__ import annotations

import os

from kedge.cli.config import TradingConfig
from kedge.model.secret import Secret
from kedge.venues.registry import Access


def access(*, with_key: bool = True) -> Access:
    """Access to the exchange that the `TRADING_EXCHANGE_*` variables name; without the key where it is not needed."""
    config = TradingConfig.from_environment(os.environ)
    nobody = Secret("")
    return Access(
        config.exchange_rest_url,
        config.exchange_ws_url,
        config.exchange_ws_api_url,
        config.exchange_api_key if with_key else nobody,
        config.exchange_api_secret if with_key else nobody,
        config.exchange_account if with_key else "",
        config.exchange_ca_file,
    )
