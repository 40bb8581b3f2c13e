"""Canary secrets: put everywhere, found nowhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.journal import AuditLogger, EncodeRefused, JournalMisused, Redactor, encode_body
from kedge.journal.memory import MemoryDisk

CANARY = 'canary/"é\\+\n0123456789'


class Note(msgspec.Struct):
    text: str
    more: Any = None


def test_i12_a_canary_reaches_no_file_of_the_journal() -> None:
    disk = MemoryDisk()
    plain = "canary-0123456789"
    with AuditLogger(disk=disk, redactor=Redactor([CANARY, plain])) as journal:
        for secret in (CANARY, plain):
            journal.append("note", Note(f"https://venue/?key={secret}&x=1", {"a": [secret, (secret, 1)]}), 1)
            journal.append("note", {"price": Decimal("1.50"), "text": secret}, 1)
    for name in disk.names():
        data = disk.read(name)
        for trace in (b"canary", b"0123456789", b"123456789"):
            assert trace not in data, name
        if name.startswith("audit-"):
            assert data.count(b"***") == 8


def test_a_secret_is_found_percent_encoded_too() -> None:
    redactor = Redactor(["se cret/+&="])
    for text in ("a=se%20cret%2F%2B%26%3D", "a=se+cret%2F%2B%26%3D", "se cret/+&="):
        assert b"cret" not in encode_body({"t": text}, redactor)


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    assert encode_body({"t": "abcdefgh"}, Redactor(["abcdef", "abcdefgh"])) == b'{"t":"***"}'


@given(st.text(min_size=6, max_size=20).filter(lambda t: t.isprintable()), st.text(max_size=10), st.text(max_size=10))
def test_any_secret_anywhere_in_a_text_is_masked(secret: str, left: str, right: str) -> None:
    redactor = Redactor([secret])
    body = encode_body({"t": left + secret + right}, redactor)
    assert secret not in msgspec.json.decode(body)["t"]
    assert not redactor.hits(body)


def test_encoded_bodies_and_field_names_with_a_secret_are_refused() -> None:
    redactor = Redactor(["canary-0123456789"])
    with AuditLogger(disk=MemoryDisk(), redactor=redactor) as journal:
        with pytest.raises(JournalMisused) as refusal:
            journal.append("note", b'{"t":"canary-0123456789"}', 1)
        assert "canary" not in str(refusal.value)
        assert journal.n == 0
    with pytest.raises(EncodeRefused) as refused:
        encode_body({"canary-0123456789": 1}, redactor)
    assert "canary" not in str(refused.value)


def test_short_secrets_cannot_be_redacted_and_the_redactor_shows_none() -> None:
    with pytest.raises(JournalMisused, match="at least 6") as refusal:
        Redactor(["abc"])
    assert "abc" not in str(refusal.value)
    assert "canary" not in repr(Redactor(["canary-0123456789"]))
