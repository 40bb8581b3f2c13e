"""Rules on what decides: no ambient time, no ambient chance, nothing that differs from process to process."""

from __future__ import annotations

import ast
import re

from tests.tidy.source import Found, Source, dotted

_NOW = re.compile(r"(^|\.)(datetime|date|dt)\.(now|utcnow|today)$")
_CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime"}
_CLOCKS |= {name + "_ns" for name in _CLOCKS} | {"localtime", "gmtime", "sleep", "ctime", "strftime"}
_SEEDED = "a simulation draws from random.Random(seed) or default_rng(seed), the seed in its configuration"
_NUMPY_CHANCE = re.compile(r"^(np|numpy)\.random\.(?!Generator$|SeedSequence$|PCG64$|Philox$)")


def clock(source: Source) -> Found:
    """Ambient time."""
    remedy = "time arrives in the fact: take `now_ns` as an argument; a timer is a decision out and a fact back"
    for call, name in source.calls():
        if _NOW.search(name):
            yield call.lineno, f"{name}() reads the wall clock; {remedy}"
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and dotted(node.value) == "time" and node.attr in _CLOCKS:
            yield node.lineno, f"time.{node.attr} reads a clock; {remedy}"
    for line, module, names in source.imports():
        for name in names:
            if module == "time" and name in _CLOCKS:
                yield line, f"time.{name} reads a clock; {remedy}"


def chance(source: Source) -> Found:
    """Ambient randomness. A generator made from a seed is none, and what decides may not even have that (layers)."""
    for line, module, names in source.imports():
        plain = module == "random" and (not names or names == ("Random",))
        if module.split(".")[0] in {"random", "uuid", "secrets"} and not plain:
            yield line, f"import {module}: ids are functions of instance, epoch and seq; {_SEEDED}"
    for node in source.nodes:
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        name = dotted(node)
        if name in {"random.Random", "Random"} or name.endswith("random.default_rng"):
            if _is_made(source, node) and not _is_seeded(source, node):
                yield node.lineno, f"{name}() is seeded by the system; {_SEEDED}"
        elif name.startswith("random.") or _NUMPY_CHANCE.search(name):
            yield node.lineno, f"{name} draws from a generator everyone shares; {_SEEDED}"
        elif name in {"os.urandom", "os.getrandom"}:
            yield node.lineno, f"{name} draws from the system; derive what is needed from the facts"


def _is_made(source: Source, node: ast.AST) -> bool:
    call = source.parents.get(node)
    return isinstance(call, ast.Call) and call.func is node


def _is_seeded(source: Source, node: ast.AST) -> bool:
    call = source.parents.get(node)
    return isinstance(call, ast.Call) and bool(call.args or call.keywords)


def hashing(source: Source) -> Found:
    """`hash` and `id` differ between processes."""
    for node, name in source.calls():
        if name in {"hash", "id"} and not _inside(source, node, "__hash__"):
            yield node.lineno, f"{name}() differs from process to process; compare or digest the values themselves"


def _inside(source: Source, node: ast.AST, function: str) -> bool:
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return True
    return False
