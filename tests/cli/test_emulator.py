"""`kedge emulator`: what it refuses, and that it starts, answers and ends as a user's process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kedge.cli import emulator
from kedge.venues.emulator import house

from .shell import Shell

SRC = Path(__file__).resolve().parent.parent.parent / "src"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nasdaq"], ("nasdaq", "binance")),
        (["binance", "--host", "0.0.0.0"], ("0.0.0.0", "loopback")),  # noqa: S104  (that is refused)
        (["binance", "--host", "example.org"], ("example.org", "loopback")),
        (["binance", "--port", "70000"], ("--port", "70000")),
        (["binance", "--speed", "-1"], ("-1", "0")),
        (["binance", "--speed", "20000"], ("20000", "10000")),
        (["binance", "--data", "nowhere.csv"], ("nowhere.csv",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused(shell: Shell, arguments: list[str], words: tuple[str, ...]) -> None:
    shell.refused(["emulator", *arguments], *words)


def test_a_port_that_is_taken_is_one_line(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shell.refused(["emulator", "binance", "--port", str(taken.getsockname()[1])], "--port", "take a free one")


def test_the_command_knows_every_venue_that_can_be_built() -> None:
    assert set(emulator.VENUES) == set(house.VENUES)


@contextmanager
def running(place: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "kedge", "emulator", *arguments],
        cwd=place, env={"PYTHONPATH": str(SRC), "PATH": ""}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def ask(url: str, method: str, path: str, body: Any = None) -> Any:
    place = urlsplit(url)
    assert place.hostname is not None
    connection = HTTPConnection(place.hostname, place.port, timeout=20)
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_starts_answers_and_ends_cleanly(shell: Shell, ends: signal.Signals) -> None:
    with running(shell.place, "binance", "--speed", "0", "--seed", "5", "--data", "market.csv") as (process, started):
        assert (started["venue"], started["seed"], started["speed"]) == ("binance", 5, 0)
        assert ask(started["rest"], "GET", "/api/v3/time") == {"serverTime": 1_767_225_600_000}
        ask(started["rest"], "POST", "/_emulator/time", {"advance_ms": 1_500})
        assert ask(started["rest"], "GET", "/api/v3/time") == {"serverTime": 1_767_225_601_500}
        price = float(ask(started["rest"], "GET", "/api/v3/ticker/price?symbol=BTCUSDT")["price"])
        assert 90 < price < 130, "the market of the file"
        process.send_signal(ends)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")
