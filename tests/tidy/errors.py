"""Rules on errors and on code that could do more than its author thought of."""

from __future__ import annotations

import ast

from tests.tidy.source import Found, Source, dotted


def broad_except(source: Source) -> Found:
    """Handlers that catch more than their author thought of."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and not _raises_again(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for kind in kinds:
                if kind is None or dotted(kind).split(".")[-1] in {"Exception", "BaseException"}:
                    what = "a bare except" if kind is None else f"except {dotted(kind)}"
                    yield node.lineno, f"{what} hides our own bugs; name the exceptions that can happen, or raise again"
    for node, name in source.calls():
        if name.split(".")[-1] == "suppress" and any(
            dotted(kind) in {"Exception", "BaseException"} for kind in node.args
        ):
            yield node.lineno, f"{name}(Exception) hides our own bugs; name the exceptions that can happen"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise)


def swallowed(source: Source) -> Found:
    """Handlers that do nothing."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and all(_is_nothing(line) for line in node.body):
            remedy = "return a reason, raise a typed error, or say so with contextlib.suppress(TheOneException)"
            yield node.lineno, f"a swallowed exception; {remedy}"


def _is_nothing(line: ast.stmt) -> bool:
    return isinstance(line, ast.Pass | ast.Continue) or (
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    )


_LOADERS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def printing(source: Source) -> Found:
    """Output from anywhere but the command line."""
    for node, name in source.calls():
        if name == "print":
            yield node.lineno, "print() belongs to kedge.cli; return the value, or make it a decision or a record"


def mutable_default(source: Source) -> Found:
    """Defaults that every call shares."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for value in [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]:
                made = isinstance(value, ast.Call) and dotted(value.func) in {"list", "dict", "set", "bytearray"}
                if made or isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
                    yield value.lineno, "a mutable default is shared by all calls; use None or an empty tuple"


def unsafe_code(source: Source) -> Found:
    """Data that could run."""
    for line, module, _ in source.imports():
        if module.split(".")[0] in _LOADERS:
            yield line, f"import {module}: what it loads can run code; use the journal's codec or msgspec"
    for node, name in source.calls():
        if name in {"eval", "exec", "compile", "__import__"}:
            yield node.lineno, f"{name}() runs text; use a table of functions, or importlib for a strategy's module"
        if name in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
            yield node.lineno, f"{name}() builds objects; use TOML (tomllib) or msgspec"
