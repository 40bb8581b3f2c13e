"""The conventions hold, and each rule that guards them bites: planted offenders, and their innocent neighbours."""

from __future__ import annotations

import pytest

from tests.tidy import ALLOWED, RULES, Source, judge, offences, repository
from tests.tidy.shape import FILE_LINES_MAX, FUNCTION_LINES_MAX

MODEL = "src/kedge/model/planted.py"
STRATEGY = "src/kedge/strategies/planted.py"
BACKTEST = "src/kedge/backtest/planted.py"
STORAGE = "src/kedge/storage/planted.py"
WEB = "src/kedge/web/planted.py"
LONG = "\n".join("    x = 1" for _ in range(FUNCTION_LINES_MAX))

# rule, path, code, and the words of the message that name the alternative
OFFENDERS = [
    ("clock", MODEL, "from datetime import datetime\nx = datetime.now()", "now_ns"),
    ("clock", MODEL, "import datetime as dt\nx = dt.datetime.utcnow()", "now_ns"),
    ("clock", STORAGE, "from datetime import date\nx = date.today()", "now_ns"),
    ("clock", WEB, "import time\nx = time.time()", "now_ns"),
    ("clock", WEB, "import time\nread = time.monotonic_ns", "now_ns"),
    ("clock", WEB, "from time import perf_counter", "now_ns"),
    ("clock", WEB, "import time\ntime.sleep(1)", "timer"),
    ("chance", MODEL, "from random import random", "Random(seed)"),
    ("chance", WEB, "import random\nx = random.choice(y)", "Random(seed)"),
    ("chance", WEB, "import random\nrandom.seed(7)", "Random(seed)"),
    ("chance", WEB, "import random\nx = random.Random()", "Random(seed)"),
    ("chance", WEB, "from random import Random\nx = Random()", "Random(seed)"),
    ("chance", WEB, "import secrets", "Random(seed)"),
    ("chance", WEB, "from uuid import uuid4", "instance, epoch and seq"),
    ("chance", WEB, "import numpy as np\nx = np.random.normal()", "default_rng(seed)"),
    ("chance", WEB, "import numpy as np\nx = np.random.default_rng()", "default_rng(seed)"),
    ("chance", WEB, "import os\nx = os.urandom(8)", "facts"),
    ("hashing", MODEL, "x = hash('a')", "digest"),
    ("hashing", MODEL, "x = id(x)", "digest"),
    ("float", MODEL, "x = float('1')", "Decimal"),
    ("float", MODEL, "x = 0.1", "Decimal('0.1')"),
    ("float", MODEL, "def f(x: float) -> None: ...", "Decimal"),
    ("float", MODEL, "def f(x: 'int') -> list[float]: ...", "Decimal"),
    ("float", MODEL, "x: float | None = None", "Decimal"),
    ("float", MODEL, "x = list(map(float, y))", "Decimal"),
    ("float", "src/kedge/venues/sim/planted.py", "x = np.float64(3)", "Decimal"),
    ("float", "src/kedge/core/risk/planted.py", "import math\nx = math.sqrt(2)", "Decimal"),
    ("float", BACKTEST, "from math import log", "Decimal"),
    ("float", BACKTEST, "def f(prices: tuple[float, float], seconds: int) -> None: ...", "Decimal"),
    ("float", BACKTEST, "def final_equity(self) -> float | None: ...", "Decimal"),
    ("float", BACKTEST, "def sharpe_ratio(self, capital: float) -> int: ...", "Decimal"),
    ("ordering", MODEL, "for x in {1, 2}: ...", "sorted"),
    ("ordering", MODEL, "x = [y for y in set(z)]", "sorted"),
    ("ordering", MODEL, "x = list({y for y in z})", "sorted"),
    ("ordering", MODEL, "x = ','.join(frozenset(z))", "sorted"),
    ("ordering", MODEL, "x = next(iter({1}))", "sorted"),
    ("ordering", MODEL, "x = [*{1, 2}]", "sorted"),
    ("ordering", MODEL, "def f(x: set[str]) -> None:\n    for y in x: ...", "sorted"),
    (
        "ordering",
        MODEL,
        "class A:\n    def f(self):\n        self.x: set[int] = set()\n        return list(self.x)",
        "sorted",
    ),
    ("ordering", MODEL, "seen = set()\nx = sum(seen)", "sorted"),
    ("ordering", MODEL, "seen = set()\nx = seen.pop()", "sorted"),
    ("ordering", MODEL, "for x in a.keys() - b.keys(): ...", "sorted"),
    ("ordering", STORAGE, "for path in folder.iterdir(): ...", "sorted"),
    ("ordering", STORAGE, "import os\nx = os.listdir('.')", "sorted"),
    ("broad-except", WEB, "try: ...\nexcept: x = 1", "name the exceptions"),
    ("broad-except", WEB, "try: ...\nexcept Exception: x = 1", "name the exceptions"),
    ("broad-except", WEB, "try: ...\nexcept (OSError, BaseException) as e: x = e", "name the exceptions"),
    ("broad-except", WEB, "with contextlib.suppress(Exception): ...", "name the exceptions"),
    ("swallowed", WEB, "try: ...\nexcept OSError: pass", "suppress"),
    ("swallowed", WEB, "for x in y:\n    try: ...\n    except OSError: continue", "suppress"),
    ("swallowed", "tools/planted.py", "try: ...\nexcept OSError: ...", "suppress"),
    ("print", MODEL, "print(1)", "kedge.cli"),
    ("mutable-default", "tests/planted.py", "def f(x=[]): ...", "None"),
    ("mutable-default", MODEL, "def f(*, x=dict()): ...", "None"),
    ("mutable-default", MODEL, "f = lambda x={}: x", "None"),
    ("unsafe-code", WEB, "import pickle", "msgspec"),
    ("unsafe-code", WEB, "from marshal import loads", "msgspec"),
    ("unsafe-code", WEB, "import shelve", "msgspec"),
    ("unsafe-code", WEB, "x = yaml.load(y)", "TOML"),
    ("unsafe-code", WEB, "x = eval('1')", "table of functions"),
    ("unsafe-code", "tests/planted.py", "exec('1')", "table of functions"),
    ("size", MODEL, "x = 1\n" * (FILE_LINES_MAX + 1), "split"),
    ("size", "tools/planted.py", f"def f():\n{LONG}", "leaves"),
    ("docstring", MODEL, "x = 1", "say first"),
    ("vague-name", "src/kedge/model/utils.py", "x = 1", "one thing"),
    ("vague-name", "tests/common/test_x.py", "x = 1", "one thing"),
    ("vague-name", "src/kedge/core/helpers/x.py", "x = 1", "one thing"),
    ("later", MODEL, "x = 1  # TO" + "DO later", "do it now"),
    ("later", "tests/planted.py", "# FIX" + "ME", "do it now"),
    ("later", "benchmarks/planted.py", "# XX" + "X", "do it now"),
    ("own-imports", MODEL, "from kedge import Order", "defines it"),
    ("own-imports", MODEL, "from . import order", "write kedge"),
    ("own-imports", MODEL, "from .order import Order", "write kedge"),
    ("strategy-imports", STRATEGY, "from kedge.core.state import State", "kedge.core.strategy"),
    ("strategy-imports", STRATEGY, "from kedge.core import risk", "kedge.core.strategy"),
    ("strategy-imports", STRATEGY, "def f():\n    import kedge.venues.sim", "kedge.core.strategy"),
    ("strategy-imports", STRATEGY, "from kedge.modelling import x", "kedge.core.strategy"),
]

INNOCENT = [
    ("clock", MODEL, "from datetime import datetime\nx = datetime.fromisoformat(y)\nnow = self.now()"),
    ("clock", "tools/planted.py", "import time\nx = time.time()"),
    ("chance", WEB, "import numpy as np\nx = np.random.default_rng(7).normal()\ny: np.random.Generator"),
    ("chance", WEB, "import random\nx = random.Random(7)\ndef f(y: random.Random) -> None: ...\nx.random()"),
    ("chance", STORAGE, "from random import Random\nx: Random = Random(seed)"),
    ("hashing", MODEL, "class A:\n    def __hash__(self) -> int:\n        return hash(self.x)"),
    ("hashing", STORAGE, "x = hash('a')"),
    ("float", STORAGE, "x = float('1') + 0.1"),
    ("float", MODEL, "x = isinstance(y, float)\nz = hint is float\nw = math.isqrt(4)\n'0.1'"),
    ("float", BACKTEST, "def f(load_seconds: float = 0.0, *, run_seconds: float = 0.5) -> None: ..."),
    (
        "float",
        BACKTEST,
        "def sharpe_ratio(self) -> float | None: ...\nclass A:\n    cagr: float\n    run_seconds: float",
    ),
    ("ordering", MODEL, "for x in sorted({1, 2}): ..."),
    ("ordering", MODEL, "x = {y for y in set(z)}\nw = sorted(y for y in {1, 2})\nv = any(y for y in {1})\nlen({1})"),
    ("ordering", MODEL, "for x in {1: 2}: ...\nfor y in d.keys(): ...\nx = 1 in {1, 2}\nd.pop()"),
    ("ordering", STORAGE, "for path in sorted(folder.glob('*')): ...\nx = sorted(p for p in folder.iterdir() if p)"),
    ("ordering", STORAGE, "x = any(folder.iterdir())"),
    ("broad-except", WEB, "try: ...\nexcept BaseException:\n    close()\n    raise"),
    ("broad-except", WEB, "try: ...\nexcept Exception as e:\n    raise UserError('x') from e"),
    ("swallowed", WEB, "try: ...\nexcept OSError as e: return_reason(e)"),
    ("swallowed", WEB, "with contextlib.suppress(FileNotFoundError): ..."),
    ("print", "src/kedge/cli/planted.py", "print(1)"),
    ("mutable-default", MODEL, "def f(x=(), y=None, *, z=frozenset()): ..."),
    ("unsafe-code", WEB, "import tomllib, json\nx = model.eval_set\ny = re.compile('a')"),
    ("size", MODEL, "x = 1\n" * FILE_LINES_MAX),
    ("size", "tests/planted.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    ("docstring", MODEL, '"""What it is."""'),
    ("vague-name", "tests/common_sense/test_x.py", "x = 1"),
    ("later", MODEL, "x = 'TO" + "DO'"),
    ("own-imports", MODEL, "from kedge import __version__, journal\nfrom kedge.model.order import Order"),
    (
        "strategy-imports",
        STRATEGY,
        "from kedge.model.order import Side\nfrom kedge.core.strategy.base import BaseStrategy",
    ),
    (
        "strategy-imports",
        STRATEGY,
        "from kedge.core import strategy\nfrom kedge.strategies.indicators import Sma\nimport math",
    ),
]


def rules_broken(path: str, code: str) -> list[str]:
    return [offence.rule for offence in offences(Source(path, code))]


@pytest.mark.parametrize(("rule", "path", "code", "alternative"), OFFENDERS)
def test_a_planted_offender_is_named_with_the_alternative(rule: str, path: str, code: str, alternative: str) -> None:
    found = [offence for offence in offences(Source(path, code)) if offence.rule == rule]
    assert found
    assert all(alternative in offence.message for offence in found)
    assert str(found[0]).startswith(f"{path}:{found[0].line}: {rule}: ")


@pytest.mark.parametrize(("rule", "path", "code"), INNOCENT)
def test_its_innocent_neighbour_is_not(rule: str, path: str, code: str) -> None:
    assert rule not in rules_broken(path, code)


def test_every_rule_has_an_offender_and_an_innocent_neighbour() -> None:
    names = {rule.name for rule in RULES}
    assert {offender[0] for offender in OFFENDERS} == names
    assert {innocent[0] for innocent in INNOCENT} == names


def test_an_offence_stands_at_its_line() -> None:
    (offence,) = (o for o in offences(Source(MODEL, '"""x."""\n\nprint(1)\n')) if o.rule == "print")
    assert offence.line == 3


def test_an_allowance_lets_one_rule_pass_in_one_file_and_nothing_else() -> None:
    source = Source(MODEL, '"""x."""\nprint(0.5)\n')
    assert [o.rule for o in judge([source], {("print", MODEL): "why"})] == ["float"]
    assert [o.rule for o in judge([source], {})] == ["float", "print"]


def test_an_allowance_that_nothing_needs_is_an_offence() -> None:
    (offence,) = judge([Source(MODEL, '"""x."""\n')], {("print", MODEL): "why"})
    assert "no longer needs" in offence.message


def test_every_allowance_names_a_rule_and_gives_a_reason() -> None:
    assert all(rule in {known.name for known in RULES} and len(why) > 20 for (rule, _), why in ALLOWED.items())


def test_the_walk_sees_the_repository() -> None:
    paths = {source.path for source in repository()}
    assert {"tasks.py", "tests/test_tidy.py", "src/kedge/__init__.py", "tools/environment.py"} <= paths


def test_the_repository_is_tidy() -> None:
    found = judge(repository(), ALLOWED)
    assert not found, "\n" + "\n".join(str(offence) for offence in found)
