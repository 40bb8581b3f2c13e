"""The machine a figure belongs to: processor, memory, load, and how fast its interpreter runs a fixed loop."""

from __future__ import annotations

import os
import platform
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.child import build

_STEPS = 300_000


def machine() -> dict[str, Any]:
    """What can be known of it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mb": _memory_mb(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "interpreter": build(),
        "decimal_steps_per_second": round(calibration()),
    }


def text_of(facts: dict[str, Any]) -> str:
    """One line for people."""
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_mb']:,} MB, {facts['system']}; "
        f"load {facts['load_average'][0]}; {facts['decimal_steps_per_second'] / 1e6:.1f} M Decimal steps/s"
    )


def calibration() -> float:
    """Steps a second of a fixed loop of Decimal arithmetic and dictionary writes: compares interpreters and minutes."""
    kept: dict[int, Decimal] = {}
    step, total, bound = Decimal("1.01"), Decimal(0), Decimal(5)
    started = time.process_time()
    for index in range(_STEPS):
        total += step
        kept[index & 255] = total
        if total > bound:
            total -= bound
    return _STEPS / (time.process_time() - started)


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)
