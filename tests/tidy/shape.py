"""Rules on shape: sizes, names, docstrings, and imports that go round the layers."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from tests.tidy.source import ROOT, Found, Source

SRC = "src/kedge/"
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

_VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "stuff"}
_LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def size(source: Source) -> Found:
    """Files and functions that do not fit a head or a screen."""
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield 1, f"{lines} lines, {FILE_LINES_MAX} at most: one module, one noun; split it at its second noun"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                remedy = "a function fits a screen: keep branches and state changes, move the leaves out, pure"
                yield node.lineno, f"{node.name} has {length} lines, {FUNCTION_LINES_MAX} at most; {remedy}"


def docstring(source: Source) -> Found:
    """Modules without their theory."""
    if not ast.get_docstring(source.tree):
        yield 1, "no module docstring; say first what this is and how it works"


def vague_name(source: Source) -> Found:
    """Modules named for nothing."""
    for part in Path(source.path).with_suffix("").parts:
        if part in _VAGUE:
            yield 1, f"a module named {part!r} has no subject; name it for the one thing it is about"


def later(source: Source) -> Found:
    """Work left in comments."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and (found := _LATER.search(token.string)):
            yield token.start[0], f"{found[0]} in a comment; do it now, or open an issue and say here how things are"


def own_imports(source: Source) -> Found:
    """Ways round the layers that import-linter cannot see."""
    for line, module, names in source.imports():
        if module == "kedge":
            for name in names:
                if name != "__version__" and not (ROOT / SRC / name).is_dir():
                    yield line, f"from kedge import {name}: import it from the module that defines it"
        if module.startswith(".") or (module == "" and names):
            yield line, "a relative import hides the layer; write kedge.…"


def strategy_imports(source: Source) -> Found:
    """What a shipped strategy may know."""
    allowed = ("kedge.model", "kedge.core.strategy", "kedge.strategies")
    for line, module, names in source.imports():
        for name in (
            [module, *(f"{module}.{name}" for name in names)] if module in {"kedge", "kedge.core"} else [module]
        ):
            inside = name.startswith(tuple(f"{path}." for path in allowed)) or name in {*allowed, "kedge.core"}
            if name.startswith("kedge") and not inside:
                yield line, f"a strategy imports kedge.model and kedge.core.strategy, nothing else; {name} is neither"
