"""`python3 tasks.py tidy`: print every offence."""

from __future__ import annotations

import sys

from tests.tidy import ALLOWED, judge, repository


def main() -> int:
    """Print every offence; 1 if there is one."""
    sources = repository()
    found = judge(sources, ALLOWED)
    for offence in found:
        print(offence)
    print(f"tidy: {len(found)} offences in {len(sources)} files" if found else f"tidy: {len(sources)} files in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
