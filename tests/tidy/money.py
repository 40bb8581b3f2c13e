"""Rules on the money path: no binary floating point where money is."""

from __future__ import annotations

import ast
import re

from tests.tidy.source import Found, Source, dotted

_EXACT_MATH = {"gcd", "lcm", "isqrt", "comb", "perm", "factorial", "prod", "floor", "ceil", "trunc", "isfinite"}
#: How long something took, and statistics of a finished run: for people, never a price, quantity, fee or balance.
_MEASURED = re.compile(
    r"(^|\.)((\w+_)?seconds|cagr|volatility|exposure|turnover|(sharpe|sortino|calmar|omega|information)_ratio"
    r"|(deflated|probabilistic)_sharpe_ratio|skewness|kurtosis|correlation)$"
)


def floats(source: Source) -> Found:
    """Binary floating point where money is."""
    remedy = "money is decimal.Decimal (kedge.model.money), or int64 ticks and lots in columns"
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and not _measures(source, node):
            yield node.lineno, f"the float literal {node.value!r}; {remedy}: Decimal('{node.value!r}')"
        elif isinstance(node, ast.Name) and node.id == "float" and not _measures(source, node):
            use = source.parents.get(node)
            if isinstance(use, ast.Call) and use.func is node:
                yield node.lineno, f"float(...); {remedy}"
            elif not _only_asks(use):
                yield node.lineno, f"float as a type; {remedy}"
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"(np|numpy)\.(float\w+|double)", dotted(node)):
            yield node.lineno, f"{dotted(node)}; {remedy}"
        elif isinstance(node, ast.Attribute) and dotted(node.value) == "math" and node.attr not in _EXACT_MATH:
            yield node.lineno, f"math.{node.attr} is binary floating point; use Decimal's own methods"
    for line, module, names in source.imports():
        for name in names:
            if module == "math" and name not in _EXACT_MATH:
                yield line, f"math.{name} is binary floating point; use Decimal's own methods"


def _only_asks(use: ast.AST | None) -> bool:
    """`isinstance(x, float)` and `hint is float` find floats in order to refuse them."""
    if isinstance(use, ast.Compare):
        return True
    if isinstance(use, ast.Tuple | ast.BinOp):
        return False
    return isinstance(use, ast.Call) and dotted(use.func) in {"isinstance", "issubclass"}


def _measures(source: Source, node: ast.AST) -> bool:
    """Whether the float belongs to a name that is a duration or a statistic."""
    parent = source.parents.get(node)
    while isinstance(parent, ast.BinOp | ast.Subscript | ast.Tuple):  # float | None, tuple[float, float]
        node, parent = parent, source.parents.get(parent)
    if isinstance(parent, ast.FunctionDef):
        return parent.returns is node and bool(_MEASURED.search(parent.name))
    if isinstance(parent, ast.arg):
        return bool(_MEASURED.search(parent.arg))
    if isinstance(parent, ast.AnnAssign):
        return bool(_MEASURED.search(dotted(parent.target)))
    if isinstance(parent, ast.arguments):
        plain = [*parent.posonlyargs, *parent.args]
        pairs = list(zip(reversed(plain), reversed(parent.defaults), strict=False))
        pairs += [(arg, value) for arg, value in zip(parent.kwonlyargs, parent.kw_defaults, strict=True) if value]
        return any(value is node and _MEASURED.search(arg.arg) for arg, value in pairs)
    return False
