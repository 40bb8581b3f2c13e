"""What every test may use: Hypothesis profiles, and the real market data beside the checkout.

Profiles: `default` is quick; `ci` draws more and always the same examples, so that a red build is red again at home
(`CI=true python3 tasks.py test`). `--hypothesis-profile` chooses by name. Neither has a deadline: no test judges time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

_SLOW_MACHINE = (HealthCheck.too_slow,)  # a busy machine is not a fault of the code under test

settings.register_profile("default", max_examples=60, deadline=None, suppress_health_check=_SLOW_MACHINE)
settings.register_profile(
    "ci",
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=_SLOW_MACHINE,
)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=_SLOW_MACHINE)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure() -> None:
    """A run that is meant for the compiled build has nothing to say of another."""
    import kedge.core.step

    if os.environ.get("KEDGE_TESTED_BUILD") == "compiled" and kedge.core.step.__file__.endswith(".py"):
        pytest.exit(f"the build under test is not compiled: {kedge.core.step.__file__}", returncode=3)


@pytest.fixture(scope="session")
def shared() -> Path:
    """`../shared` beside the checkout: real market data and expected figures; without it the test is skipped."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real market data: {SHARED / 'data'} does not exist")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by itself what takes the `shared` fixture; skip what is only marked."""
    missing = not (SHARED / "data").is_dir()
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)
        elif missing and item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason=f"no real market data: {SHARED / 'data'} does not exist"))
