"""What comes of a question to a venue: whole, partial or failed. An error is not an empty list (hazard H18).

    Answer[T] = Whole[T]    everything that was asked for, the empty collection included
              | Partial[T]  some of it, and what is missing: never a reason to believe that the rest is not there
              | Failed      nothing, and whose fault that is

Errors are sorted by what may have happened at the venue, because that decides what is done next:

    refused      the venue looked at it and said no; nothing happened, the same again will be refused again
    unknown      it may have happened: time-out, 5xx, broken connection; ask before anything else (H1)
    retry_later  nothing happened and the venue says when to come again (429, overloaded)
    banned       nothing happened and nothing will: send nothing at all until the time given (418)
    ours         the request itself was wrong: signature, parameter, clock, permission; a human must look
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")


class ErrorClass(StrEnum):
    """What an error means for what happens next."""

    REFUSED = "refused"
    UNKNOWN = "unknown"
    RETRY_LATER = "retry_later"
    BANNED = "banned"
    OURS = "ours"


class Whole(Struct, Generic[T], frozen=True):
    """Everything that was asked for, as of `at` (UTC ns, the venue's time where it says, else ours)."""

    value: T
    at: int = 0


class Partial(Struct, Generic[T], frozen=True):
    """A part; `missing` says what is not in it and how to get it."""

    value: T
    missing: str
    at: int = 0


class Failed(Struct, frozen=True):
    """Nothing. `code` is the venue's own ("-1021", "HTTP 502"), `retry_at` when it may be tried again (UTC ns, 0: not said)."""

    kind: ErrorClass
    code: str
    message: str
    retry_at: int = 0


Answer: TypeAlias = Whole[T] | Partial[T] | Failed
