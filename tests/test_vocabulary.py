"""The product's vocabulary is importable from the top, lazily."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kedge


@pytest.mark.parametrize("name", [name for name in kedge.__all__ if not name.startswith("_")])
def test_every_name_of_the_vocabulary_is_there(name: str) -> None:
    assert getattr(kedge, name) is not None
    assert name in dir(kedge)


def test_the_type_checker_knows_the_same_names() -> None:
    source = Path(str(kedge.__file__)).read_text(encoding="utf-8")
    for name in kedge.__all__:
        if not name.startswith("_"):
            assert f" as {name}\n" in source, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = kedge.Nonsense


def test_importing_kedge_loads_nothing_heavy() -> None:
    code = "import sys, kedge; print(sorted(m for m in ('numpy', 'duckdb', 'plotly', 'rich', 'msgspec') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
