"""Parsers under fire: real messages, mutated, a million and more of them.

    python -m tests.fuzz_parsers [--messages N] [--parser NAME ...] [--seed N]

Each venue registers its parsers in `tests/fuzz_parsers/<venue>.py` as `PARSERS`: a name, real messages to begin with and
the function that reads them. A message is mutated by its structure (a value replaced by nonsense of every kind, a key gone
or doubled, a type exchanged, two messages spliced) or by its bytes. The parser may do one of two things: refuse with
`VenueError`, or answer with what is sane (`tests/fuzz_parsers/sanity.py`): finite, bounded, of the right sign and type. Any
other exception, a nonsense that was accepted and a message that takes more than a second fail, with the seed and message.
"""

from __future__ import annotations

from tests.fuzz_parsers.fire import Failure, Parser, Tally, fire, parsers

__all__ = ["Failure", "Parser", "Tally", "fire", "parsers"]
