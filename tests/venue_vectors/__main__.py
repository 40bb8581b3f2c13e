"""`python -m tests.venue_vectors DIR [FILE ...]`."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
for _folder in (_ROOT, _ROOT / "src"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from tests.venue_vectors.runner import run_directory  # noqa: E402  (after the path is complete)


def main(arguments: list[str]) -> int:
    """Run a directory; 1 where a case failed or nothing was found."""
    if not arguments or arguments[0].startswith("-"):
        print("usage: python -m tests.venue_vectors DIR [FILE ...]")
        return 2
    results = run_directory(Path(arguments[0]), arguments[1:])
    if not results:
        print(f"no vector file in {arguments[0]}")
        return 1
    for result in results:
        print(result)
    passed = sum(result.passed for result in results)
    failed = sum(len(result.failed) for result in results)
    apart = sum(result.not_applicable.total() for result in results)
    print(
        f"{passed + failed + apart} cases in {len(results)} files: {passed} passed, {failed} failed, {apart} not applicable"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
