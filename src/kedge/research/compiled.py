"""The kernel compiled by numba (extra `fast`), or, where that is not installed, interpreted: the same text.

numba keeps compiled code on disk and looks only at the file of the function it compiled. Here that is one of several,
so the cache is a folder named by the digest of all of them and of the versions that made it: an edit anywhere is
another folder, never stale code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from kedge.core.strategy.moves import TABLE
from kedge.model.errors import ConfigError
from kedge.research import kernel, kernel_risk, kernel_state, kernel_venue, wide
from kedge.research.plan import Ints, Plan

_TABLE = np.array(TABLE, np.int64)

#: `compiled`, `interpreted`, or the best there is.
MODES = ("best", "compiled", "interpreted")


@cache
def kernel_for(mode: str = "best") -> tuple[Callable[..., int], bool]:
    """The kernel's `run`, and whether it wants arrays (compiled) or lists (interpreted)."""
    if mode == "interpreted" or (mode == "best" and find_spec("numba") is None):
        return kernel.run, False
    if find_spec("numba") is None:
        raise ConfigError("the compiled kernel needs numba; install the extra: pip install 'kedge[fast]'")
    return _compiled(), True


def _compiled() -> Callable[..., int]:
    from kedge.research import wide_compiled

    numba: Any = import_module("numba")
    for part in kernel.PARTS:
        numba.extending.register_jitable(part)
    run: Callable[..., int] = numba.njit(kernel.run)
    dispatcher: Any = run
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_folder(numba.__version__, str(wide_compiled.__file__)))
    try:
        dispatcher.enable_caching()
    except RuntimeError:  # nowhere to keep it: compiled anew in each process
        return cast("Callable[..., int]", numba.njit(kernel.run))
    finally:
        numba.config.CACHE_DIR = before
    return run


def _folder(version: str, *more: str) -> Path:
    """Where compiled code is kept: in the user's cache, by what it was compiled from."""
    files = [str(module.__file__) for module in (kernel, kernel_risk, kernel_state, kernel_venue, wide)]
    digest = sha256(version.encode())
    for name in [*files, *more]:
        digest.update(Path(name).read_bytes())
    root = import_module("numba.misc.appdirs").AppDirs(appname="kedge", appauthor=False).user_cache_dir
    return Path(root) / "kernel" / digest.hexdigest()[:16]


def played(mode: str, plan: Plan, x: Ints, moves: Any, *, fills: int, points: int) -> tuple[Any, Any, Any, Any, Any]:
    """Run the kernel on these numbers; the arrays after it: x, w, the fills, the days' equities, the points."""
    run, arrays = kernel_for(mode)
    log = np.zeros(max(fills, 1) * kernel_state.FILL_FIELDS, np.int64)
    kept, every = np.zeros(2 * max(len(plan.merged.days), 1), np.int64), np.zeros(2 * max(points, 1), np.int64)
    w, columns, closes = plan.w.copy(), plan.merged.columns, plan.merged.closes
    if arrays:
        run(x, w, log, columns, moves, _TABLE, closes, kept, every)
        return x, w, log, kept, every
    lists = [each.tolist() for each in (x, w, log, kept, every)]
    run(
        *lists[:3],
        tuple(column.tolist() for column in columns),
        moves.tolist(),
        _TABLE.tolist(),
        closes.tolist(),
        *lists[3:],
    )
    return (*lists,)
