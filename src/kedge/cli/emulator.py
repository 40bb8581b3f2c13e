"""`kedge emulator VENUE`: a venue on this machine, with its real wire protocol, for bots and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kedge.cli.backtest import existing
from kedge.model.errors import ConfigError, OurBug

if TYPE_CHECKING:
    from kedge.venues.emulator.house import Options

VENUES = ("binance", "binance-futures", "hyperliquid", "coinbase")


@click.command(name="emulator")
@click.argument("venue", type=click.Choice(VENUES))
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address; no other is bound.")
@click.option("--port", default=0, type=click.IntRange(0, 65_535), help="0 (the default) takes a free one.")
@click.option("--seed", default=1, show_default=True, help="Another market and other keys; equal seeds are equal.")
@click.option("--data", metavar="FILE", help="Candles (CSV or Parquet) that one market follows instead of the seed.")
@click.option("--speed", default=1, show_default=True, help="Venue time against real time; 0: it moves when told.")
@click.option("--tls", is_flag=True, help="Serve https and wss; the start line names the certificate to trust.")
def command(venue: str, host: str, port: int, seed: int, data: str | None, speed: int, tls: bool) -> None:
    """Emulate VENUE until interrupted. The first line of output is JSON: addresses, keys and the seed."""
    _loopback(host)
    try:
        import aiohttp as _  # noqa: F401  (asked here, so that the remedy is one line)
    except ModuleNotFoundError:
        raise ConfigError("kedge emulator needs aiohttp; install the extra: pip install 'kedge[live]'") from None
    options = _options(seed, data, speed)
    with tempfile.TemporaryDirectory(prefix="kedge-emulator-") as folder:
        try:
            asyncio.run(_serve(venue, host, port, options, Path(folder) if tls else None))
        except KeyboardInterrupt:
            return  # how it is meant to end


async def _serve(venue: str, host: str, port: int, options: Options, folder: Path | None) -> None:
    from kedge.venues.emulator.certificate import certify
    from kedge.venues.emulator.front import Front
    from kedge.venues.emulator.house import build
    from kedge.venues.emulator.server import Server

    context, trusted = (None, None) if folder is None else certify(folder, host, options.pace.wall_ns)
    front = Front(build(venue, options))
    server = Server(front, options.pace, context=context)
    try:
        addresses = await server.start(host, port)
    except OSError as error:
        await server.stop()
        raise ConfigError(
            f"--port {port} of {host}: {error.strerror or error}; give --port 0 to take a free one"
        ) from None
    started = {"venue": venue, **front.dialect.describe(addresses), "control": f"{addresses.http}/_emulator"}
    started |= {"seed": options.seed, "speed": options.pace.speed}
    if trusted is not None:
        started["ca_file"] = str(trusted)
    server.control.started = started
    stop = _told_to_stop()
    print(json.dumps(started), flush=True)
    failed = asyncio.create_task(server.failed(), name="emulator-failed")
    stopping = asyncio.create_task(stop.wait(), name="emulator-stop")
    try:
        await asyncio.wait({failed, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            await failed
            raise OurBug("the emulator's time ended")
    finally:
        failed.cancel()
        stopping.cancel()
        await server.stop()


def _told_to_stop() -> asyncio.Event:
    """Set by SIGINT and SIGTERM; where a loop cannot take signals, Ctrl-C interrupts as ever."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


def _options(seed: int, data: str | None, speed: int) -> Options:
    from kedge.venues.emulator.house import Options
    from kedge.venues.emulator.pace import Pace

    pace = Pace.of(speed, time.time_ns(), time.monotonic_ns())
    if data is None:
        return Options(seed, pace)
    from kedge.storage.formats import read_candles

    read = read_candles(existing(data))
    return Options(seed, pace, tuple(read.columns.candles()), Path(data).name)


def _loopback(host: str) -> None:
    """An emulator has keys that everyone can guess: it is for this machine alone."""
    try:
        known = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        known = False
    if not known:
        raise ConfigError(f"--host is {host}; an emulator binds loopback only, such as 127.0.0.1")
