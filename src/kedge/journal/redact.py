"""Redaction: text that contains a known secret is written as `***` in its place.

The first line of defence is the type `Secret`, which the codec refuses; this is the second, for a secret
that was copied into a plain string: a venue's error message, a URL. Each secret is looked for as it is and
percent-encoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from kedge.journal.errors import EncodeRefused, JournalMisused

MASK = "***"
SECRET_CHARS_MIN = 6  # a shorter text would be found in innocent words and numbers


class Redactor:
    """Knows the secrets of this process; shows none of them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for position, secret in enumerate(secrets):
            if len(secret) < SECRET_CHARS_MIN:
                raise JournalMisused(
                    f"secret number {position} has {len(secret)} characters; "
                    f"redaction needs at least {SECRET_CHARS_MIN}"
                )
            forms.update((secret, quote(secret, safe=""), quote_plus(secret)))
        # Longest first, so that a secret that contains another is masked whole.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._needles = tuple(json.dumps(form)[1:-1].encode("ascii") for form in self._forms)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def hits(self, body: bytes) -> bool:
        """Whether canonical JSON text may contain a secret."""
        return any(needle in body for needle in self._needles)

    def clean(self, text: str) -> str:
        """`text` with every secret masked."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def refuse_key(self, key: str) -> None:
        """A key is structure and cannot be masked: EncodeRefused if it holds a secret."""
        if self.clean(key) != key:
            raise EncodeRefused("the name of a field contains a secret; give the field another name")
