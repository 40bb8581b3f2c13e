"""Gateways by name and by address."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

import kedge
from kedge.model.errors import ConfigError
from kedge.model.secret import Secret
from kedge.venues import registry
from kedge.venues.client import ExchangeClient
from kedge.venues.registry import VENUES, Access, Wires
from kedge.venues.wire.memory import MemoryNetwork
from kedge.venues.wire.virtual import VirtualClock, run


@pytest.mark.parametrize("name", [*VENUES, "ccxt:kraken"])
def test_each_gateway_is_made_without_a_key_and_says_what_it_can(name: str) -> None:
    async def main() -> None:
        network = MemoryNetwork()
        made = registry.make(name, Access(), Wires(network, network, VirtualClock()))
        assert made.capabilities == registry.entry(name).capabilities()
        assert made.capabilities.venue == name
        assert isinstance(made.rate_limits, tuple)
        await made.close()

    run(main())


def test_an_unknown_venue_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="venue 'binanse' is unknown; did you mean binance"):
        registry.entry("binanse")
    with pytest.raises(ConfigError, match="known are binance, "):
        registry.entry("zzz")
    with pytest.raises(ConfigError, match="knows no venue 'nosuch'"):
        registry.entry("ccxt:nosuch").capabilities()


def test_half_a_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="an API key and no API secret; set TRADING_EXCHANGE_API_SECRET"):
        Access(api_key=Secret("k"))


def test_naming_a_venue_imports_none() -> None:
    code = (
        "import json, sys, kedge.venues.registry\n"
        "print(json.dumps(sorted({name.split('.')[2] for name in sys.modules if name.startswith('kedge.venues.')})))\n"
        "print('aiohttp' in sys.modules, 'ccxt' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = ran.stdout.splitlines()
    assert not {"binance", "hyperliquid", "coinbase", "ccxt", "emulator", "sim"} & set(json.loads(first))
    assert second == "False False"


@pytest.mark.parametrize(
    ("url", "venue"),
    [
        ("https://api.binance.com", "binance"),
        ("https://testnet.binance.vision", "binance"),
        ("https://fapi.binance.com", "binance-futures"),
        ("https://api.hyperliquid.xyz", "hyperliquid"),
        ("https://api.coinbase.com", "coinbase"),
    ],
)
def test_a_well_known_address_says_whose_it_is(url: str, venue: str) -> None:
    async def main() -> None:
        client = ExchangeClient(url)
        assert client.capabilities.venue == venue
        await client.close()

    asyncio.run(main())


def test_an_unknown_address_wants_the_name() -> None:
    assert kedge.ExchangeClient is ExchangeClient
    for url in ("http://127.0.0.1:1", "https://binance.com.evil.example", "nonsense"):
        with pytest.raises(ConfigError, match="give exchange=, one of binance"):
            ExchangeClient(url)
    with pytest.raises(ConfigError, match="venue 'nyse' is unknown"):
        ExchangeClient("http://127.0.0.1:1", exchange="nyse")


def test_a_client_shows_no_secret() -> None:
    async def main() -> None:
        client = ExchangeClient("http://127.0.0.1:1", "canary-key", "canary-secret", exchange="binance")
        assert "canary" not in repr(client)
        await client.close()

    asyncio.run(main())
