"""Other people's clients against an emulator: each test module starts its own `kedge emulator` as a user would.

The clients live in an environment of their own; the emulator runs in the checkout's `.venv` as a subprocess and says in
one JSON line where it listens. Faults, time and prices are set through its control endpoint.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.running import Emulator

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"


@pytest.fixture(scope="module")
def emulate() -> Iterator[Callable[..., Emulator]]:
    """Starts emulators: `emulate("binance", "--seed", "3")`; they end with the module."""
    running: list[subprocess.Popen[str]] = []

    def start(venue: str, *options: str) -> Emulator:
        command = [str(PYTHON), "-m", "kedge", "emulator", venue, *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, told = process.communicate(timeout=10)
            pytest.fail(f"the emulator did not start: {told}")
        return Emulator(process, json.loads(line))

    yield start
    codes = []
    for process in running:
        process.terminate()
        _, told = process.communicate(timeout=20)
        codes.append((process.returncode, told))
    assert codes == [(0, "")] * len(running), "an emulator ends cleanly and says nothing on standard error"


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults set by a test end with it."""
    yield
    for name in request.fixturenames:
        value = request.node.funcargs.get(name)
        if isinstance(value, Emulator):
            value.control("DELETE", "faults")
