"""The codec: facts and decisions to records and back, by a table that the caller supplies.

The journal knows no trading. Whoever composes the program gives it `kinds`, the name under which each type
is written. A body does not repeat its kind. Each kind has a schema version, an integer from 1; when a type
changes, its version goes up and an *upcaster* turns the previous version's plain values into the new one's.
Upcasters are kept for ever, so every journal ever written can be read. What is not in the table is refused:
skipping an unknown record would be a silent hole in the history.

Decoding is validating: the value is encoded again and must give the very bytes that were read. That catches
unknown fields, decimals written loosely and numbers out of range in one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kedge.journal.canonical import encode_body, plain
from kedge.journal.errors import DecodeRefused, EncodeRefused, JournalMisused, UnknownKind, UnknownSchema
from kedge.journal.record import Record, kind_bytes
from kedge.journal.redact import Redactor

#: Plain values of version v of a kind -> plain values of version v + 1.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


#: Kind, schema and canonical body of a value: what `AuditLogger` needs of it. A bare tuple, for there is one a record.
Encoded = tuple[str, int, bytes]


class Codec:
    """`kinds`: name -> struct type. `versions`: name -> current schema, 1 if absent.
    `upcasters`: (name, version) -> function from that version to the next; all older versions must be there.
    """

    def __init__(
        self,
        kinds: Mapping[str, type[msgspec.Struct]],
        *,
        versions: Mapping[str, int] | None = None,
        upcasters: Mapping[tuple[str, int], Upcaster] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor
        self._upcasters = dict(upcasters or {})
        self._types: dict[str, type[msgspec.Struct]] = {}
        self._schemas: dict[str, int] = dict.fromkeys(kinds, 1) | dict(versions or {})
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._names: dict[type, tuple[str, int]] = {}
        if self._schemas.keys() != kinds.keys():
            raise JournalMisused(f"versions of unknown kinds: {sorted(self._schemas.keys() - kinds.keys())}")
        for name, cls in kinds.items():
            self._register(name, cls)
        for name, version in self._upcasters:
            if not 1 <= version < self._schemas.get(name, 0):
                raise JournalMisused(f"upcaster of {name} version {version} leads nowhere")

    def _register(self, name: str, cls: type[msgspec.Struct]) -> None:
        kind_bytes(name)
        if cls in self._names:
            raise JournalMisused(f"{cls.__name__} is registered as {self._names[cls][0]} and as {name}")
        schema = self._schemas[name]
        for version in range(1, schema):
            if (name, version) not in self._upcasters:
                raise JournalMisused(f"kind {name} is at schema {schema} but has no upcaster from {version}")
        self._types[name] = cls
        self._names[cls] = (name, schema)
        self._decoders[name] = msgspec.json.Decoder(cls)

    @property
    def kinds(self) -> Mapping[str, type[msgspec.Struct]]:
        """The table: kind -> type."""
        return self._types

    def encode(self, value: msgspec.Struct) -> Encoded:
        """Kind, schema and canonical body of a value."""
        name = self._names.get(type(value))
        if name is None:
            raise UnknownKind(f"{type(value).__name__} is not a registered kind; add it to the codec")
        return (*name, encode_body(value, self._redactor))

    def decode(self, record: Record) -> Any:
        """The value of a record, brought to the current schema."""
        schema = self._schemas.get(record.kind)
        if schema is None:
            raise UnknownKind(f"record {record.n} has the unknown kind {record.kind!r}; read it with a newer Kedge")
        try:
            if record.schema == schema:
                return self._exact(record)
            if 1 <= record.schema < schema:
                return self._upcast(record, schema)
        except (msgspec.DecodeError, EncodeRefused, ValueError, TypeError) as error:
            raise DecodeRefused(f"record {record.n} is not a {record.kind}: {error}") from error
        raise UnknownSchema(
            f"record {record.n} is a {record.kind} of schema {record.schema}, known up to {schema}; "
            "read it with a newer Kedge"
        )

    def _exact(self, record: Record) -> Any:
        value = self._decoders[record.kind].decode(record.body)
        if encode_body(value) != record.body:
            raise DecodeRefused(f"record {record.n} is a {record.kind} that no {record.kind} would be written as")
        return value

    def _upcast(self, record: Record, schema: int) -> Any:
        values = plain(record.body)
        for version in range(record.schema, schema):
            values = self._upcasters[record.kind, version](values)
        value = msgspec.convert(values, self._types[record.kind])
        encode_body(value)  # what could not be written today is not read either
        return value
