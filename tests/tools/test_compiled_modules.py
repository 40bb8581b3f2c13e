"""What is compiled: modules that lose nothing by it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def compiled() -> Iterator[Path]:
    """The modules that the build hook takes."""
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
    left_out = {path for pattern in hook["mypyc"]["exclude"] for path in ROOT.glob(pattern.lstrip("/"))}
    for pattern in hook["mypyc"]["include"]:
        found = sorted(ROOT.glob(pattern.lstrip("/")))
        assert found, f"{pattern} names nothing"
        yield from (path for path in found if path not in left_out)


def test_no_compiled_module_defines_a_class_with_keywords() -> None:
    """mypyc drops them: a frozen struct would be open, a tagged one nameless, and journals would differ."""
    modules = list(compiled())
    assert len(modules) > 35
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ClassDef) and node.keywords), f"{path.name}: {node.name}"
