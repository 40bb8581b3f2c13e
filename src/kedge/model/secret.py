"""A value that must never be seen: not in a repr, a log, an error or the journal."""

from __future__ import annotations

from typing import Final


class Secret:
    """Holds a key or password; shows `***` wherever it is printed, and is read by `reveal()` alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Final = value

    def reveal(self) -> str:
        """The value itself, for the one place that signs or logs in with it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled or copied; pass the object itself")
