"""Rules on order: iterate over nothing whose order no one has promised."""

from __future__ import annotations

import ast
import re

from tests.tidy.source import Found, Source, dotted

_INTO_ORDER = {"list", "tuple", "enumerate", "iter", "next", "map", "filter", "zip", "reversed", "sum", "dict.fromkeys"}
_FOLDERS = {"iterdir", "glob", "rglob", "iglob", "listdir", "scandir"}
_REGARDLESS = {"sorted", "set", "frozenset", "any", "all", "len", "max", "min"}
_SET_HINT = re.compile(r"^(set|frozenset|Set|AbstractSet|MutableSet)\b")


def ordering(source: Source) -> Found:
    """Iteration whose order no one has promised."""
    names = _set_names(source)
    for node in source.nodes:
        iterated: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            iterated = [node.iter]
        elif isinstance(node, ast.Starred) and not isinstance(source.parents.get(node), ast.Set):
            iterated = [node.value]
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in _INTO_ORDER or name.endswith(".join"):
                iterated = list(node.args)
            elif name.endswith(".pop") and not node.args and isinstance(node.func, ast.Attribute):
                iterated = [node.func.value]
            if (name == "os.walk" or name.split(".")[-1] in _FOLDERS) and "." in name and not _regardless(source, node):
                yield node.lineno, f"{name}() lists in the file system's order; iterate over sorted(...)"
        for expression in iterated:
            if _is_set(expression, names) and not _regardless(source, node):
                yield expression.lineno, "a set has no order; iterate over sorted(...), or keep a dict of its keys"


def _set_names(source: Source) -> set[str]:
    """Names and attributes that this file gives a set, or the type of one."""
    names: set[str] = set()
    for node in source.nodes:
        if isinstance(node, ast.arg) and node.annotation and _SET_HINT.match(ast.unparse(node.annotation)):
            names.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _SET_HINT.match(ast.unparse(node.annotation)):
            names.add(dotted(node.target))
        elif isinstance(node, ast.Assign) and _is_set(node.value, set()):
            names.update(dotted(target) for target in node.targets)
    return names - {"?"}


def _is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return dotted(node.func) in {"set", "frozenset"}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return any(_is_set(side, names) or _is_keys(side) for side in (node.left, node.right))
    return isinstance(node, ast.Name | ast.Attribute) and dotted(node) in names


def _is_keys(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def _regardless(source: Source, node: ast.AST) -> bool:
    """Whether what is iterated goes straight into something that has no order, or makes one."""
    if isinstance(node, ast.comprehension):
        node = source.parents[node]
        if isinstance(node, ast.SetComp):
            return True
        if isinstance(node, ast.DictComp | ast.ListComp) and not isinstance(source.parents.get(node), ast.Call):
            return False
    parent = source.parents.get(node)
    if isinstance(parent, ast.comprehension) and isinstance(node, ast.Call) and parent.iter is node:
        return _regardless(source, parent)
    return isinstance(parent, ast.Call) and dotted(parent.func) in _REGARDLESS
