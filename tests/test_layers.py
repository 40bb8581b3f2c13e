"""The import contract bites: a small `kedge` with one planted import breaks the contract it should, and no other does.

Each case builds a package of empty modules with Kedge's layout, plants one import and asks import-linter to judge it by
the contract of `pyproject.toml`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
POINT_DOWN = "Imports point down"
INSIDE_CORE = "Inside the core"
INSIDE_VENUES = "Inside the venues"
INSIDE_BACKTEST = "Inside the backtest"
PURE = "What decides does no I/O"
STRATEGY = "A strategy sees"
DASHBOARD = "The dashboard reads"
STEPS = "Only run and backtest"
WITNESS = "An emulator is written from the venue's documentation"
SOCKETLESS = "Below its server an emulator"
OTHER_SIDE = "An emulator is the other side"

MODULES = [
    *("backtest.report.page", "backtest.result", "backtest.text.plain", "backtest.figures"),
    *("__main__", "cli.main", "web.page", "research.sweep", "run.live", "backtest.engine", "strategies.cross"),
    *(
        "venues.sim.book",
        "venues.binance.shell",
        "venues.gateway",
        "venues.answers",
        "venues.wire.http",
        "journal.read",
        "storage.csv",
        "store.tables",
        "bus.memory",
        "model.order",
    ),
    *(
        "core.step",
        "core.desk",
        "core.state",
        "core.clock",
        "core.risk.checks",
        "core.algos.twap",
        "core.allocation.sizing",
    ),
    *("core.strategy.base", "core.recovery.compare", "core.market.bars", "core.orders.table", "core.portfolio.tracker"),
]

PLANTED = [
    ("model.order", "import kedge.core.clock", POINT_DOWN),
    ("journal.read", "import kedge.storage.csv", POINT_DOWN),
    ("venues.binance.shell", "def f() -> None:\n    import kedge.core.state", POINT_DOWN),
    ("run.live", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import kedge.backtest.engine", POINT_DOWN),
    ("backtest.engine", "import kedge.cli.main", POINT_DOWN),
    ("research.sweep", "import kedge.web.page", POINT_DOWN),
    ("core.state", "import kedge.core.risk.checks", INSIDE_CORE),
    ("core.risk.checks", "import kedge.core.allocation.sizing", INSIDE_CORE),
    ("core.orders.table", "import kedge.core.market.bars", INSIDE_CORE),
    ("core.algos.twap", "import kedge.core.desk", INSIDE_CORE),
    ("venues.answers", "import kedge.venues.gateway", INSIDE_VENUES),
    ("venues.sim.book", "import kedge.venues.binance.shell", INSIDE_VENUES),
    ("venues.emulator.house", "import kedge.venues.binance.shell", INSIDE_VENUES),
    ("venues.emulator.house", "import kedge.venues.gateway", WITNESS),
    ("venues.emulator.exchange", "import time", SOCKETLESS),
    ("run.live", "import kedge.venues.emulator.exchange", OTHER_SIDE),
    ("backtest.figures", "import kedge.backtest.text.plain", INSIDE_BACKTEST),
    ("backtest.result", "def f() -> None:\n    import kedge.backtest.report.page", INSIDE_BACKTEST),
    ("core.clock", "import time", PURE),
    ("core.risk.checks", "def f() -> None:\n    import logging", PURE),
    ("model.order", "from pathlib import Path", PURE),
    ("strategies.cross", "import random", PURE),
    ("venues.sim.book", "import asyncio", PURE),
    ("venues.hyperliquid.protocol", "import time", PURE),
    ("strategies.cross", "import kedge.core.risk.checks", STRATEGY),
    ("strategies.cross", "import kedge.journal.read", STRATEGY),
    ("web.page", "import kedge.backtest.engine", DASHBOARD),
    ("web.page", "import kedge.venues.binance.shell", DASHBOARD),
    ("cli.main", "import kedge.core.step", STEPS),
    ("research.sweep", "import kedge.core.step", STEPS),
]

KEPT = [
    ("run.live", "import kedge.core.step, kedge.venues.binance.shell, kedge.journal.read"),
    ("backtest.engine", "import kedge.core.step, kedge.venues.sim.book, kedge.storage.csv"),
    ("strategies.cross", "import kedge.model.order, kedge.core.strategy.base\nimport math, decimal"),
    ("core.desk", "import kedge.core.risk.checks, kedge.core.allocation.sizing, kedge.core.state"),
    ("web.page", "import kedge.journal.read, kedge.bus.memory\nimport asyncio"),
    ("venues.binance.shell", "import asyncio, time, logging"),
    ("cli.main", "import kedge.run.live, kedge.backtest.engine, kedge.research.sweep, kedge.web.page"),
]


CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def named() -> list[str]:
    """Modules that a contract names: they must be there for it to be judged."""
    lists = [contract.get(key, []) for contract in CONTRACTS for key in ("source_modules", "forbidden_modules")]
    found = {name.removeprefix("kedge.") for names in lists for name in names if name.startswith("kedge.")}
    return sorted(name for name in found if name.partition(".")[0] not in {"web", "research", "run", "store", "bus"})


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("layout")
    packages = {module.rpartition(".")[0] for module in (*MODULES, *named())}
    for module in (*MODULES, *named()):
        if module in packages or any(package.startswith(f"{module}.") for package in packages):
            continue
        path = root / "src" / "kedge" / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for folder in path.relative_to(root / "src").parents[:-1]:
            (root / "src" / folder / "__init__.py").touch()
    return root


def contract(root: Path, module: str, code: str, *, remove: str = "") -> dict[str, str]:
    """Contract -> KEPT or BROKEN with the code planted in a copy; the whole output where it does not run."""
    shutil.rmtree(root / "planted", ignore_errors=True)
    shutil.copytree(root / "src", root / "planted")
    path = root / "planted" / "kedge" / f"{module.replace('.', '/')}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    if remove:
        shutil.rmtree(root / "planted" / "kedge" / remove)
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"),
            *("--config", str(ROOT / "pyproject.toml"), "--no-cache"),
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "planted"), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {}
    for line in ran.stdout.splitlines():
        name, _, verdict = line.rpartition(" ")
        if verdict in {"KEPT", "BROKEN"}:
            verdicts[name] = verdict
    assert (ran.returncode == 0) == (set(verdicts.values()) == {"KEPT"}), ran.stdout
    return verdicts or {ran.stdout: "BROKEN"}


@pytest.mark.parametrize(("module", "code", "name"), PLANTED)
def test_a_planted_import_breaks_its_contract(layout: Path, module: str, code: str, name: str) -> None:
    broken = [text for text, verdict in contract(layout, module, code).items() if verdict == "BROKEN"]
    assert any(text.startswith(name) for text in broken), broken


@pytest.mark.parametrize(("module", "code"), KEPT)
def test_what_the_layout_is_for_keeps_every_contract(layout: Path, module: str, code: str) -> None:
    verdicts = contract(layout, module, code)
    assert len(verdicts) == len(CONTRACTS)
    assert set(verdicts.values()) == {"KEPT"}


@pytest.mark.parametrize("module", ["surprise", "core.surprise"])
def test_a_new_module_must_be_given_its_place(layout: Path, module: str) -> None:
    assert "BROKEN" in contract(layout, module, "").values()


@pytest.mark.parametrize("package", ["web", "research", "run", "store", "bus"])
def test_a_package_that_is_still_to_come_may_be_missing(layout: Path, package: str) -> None:
    assert set(contract(layout, "model.order", "", remove=package).values()) == {"KEPT"}


def test_a_package_that_must_be_there_may_not(layout: Path) -> None:
    assert "BROKEN" in contract(layout, "model.order", "", remove="journal").values()
