"""`python -m tests.fuzz_parsers`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
for _folder in (_ROOT, _ROOT / "src"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from tests.fuzz_parsers.fire import fire, parsers  # noqa: E402  (after the path is complete)


def main() -> int:
    """Fire at the parsers; 1 where one failed."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz_parsers")
    options.add_argument("--messages", type=int, default=1_000_000, help="for each parser")
    options.add_argument("--parser", action="append", default=[], help="a name, or how names begin")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    chosen = parsers(given.parser)
    if not chosen:
        print(f"no parser is called {', '.join(given.parser)}; there are {', '.join(one.name for one in parsers())}")
        return 2
    failed = 0
    for parser in chosen:
        begun = time.process_time()
        tally = fire(parser, given.messages, given.seed)
        took = time.process_time() - begun
        print(
            f"{parser.name:<32} {tally.read + tally.refused:>9,} messages: {tally.read:,} read, {tally.refused:,} refused, "
            f"{len(tally.failures)} failed; {took:.0f} s, slowest {tally.slowest_s * 1000:.1f} ms",
            flush=True,
        )
        for failure in tally.failures[:5]:
            print(f"    {failure.what}\n    {failure.message[:400]!r}")
        failed += len(tally.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
