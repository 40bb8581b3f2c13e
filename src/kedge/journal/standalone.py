"""Verify a Kedge journal with nothing but Python's standard library: `python standalone.py DIR [PUBLIC_KEY]`.

For the auditor who trusts neither Kedge nor its libraries: this file shares no line with them. It reads
`audit-*.jsonl` and `checkpoints.jsonl`, stops at the first flaw, prints it and exits 1. It checks that

- every line is canonical JSON with the eight fields, n counts 1, 2, 3 ..., cause < n, epoch never falls;
- sha = first 16 bytes of h(n) = SHA-256(h(n-1) + the line before `,"sha"`), h(0) = 32 zero bytes;
- each record is in the file of the latest UTC day seen so far;
- every checkpoint carries h(n) of its record and an Ed25519 signature of PUBLIC_KEY, else checkpoints.pub;
- the journal reaches its last checkpoint, and if it was stopped, that covers the stop.
"""

import datetime as dt
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKPOINTS = "checkpoints.jsonl"
RECORD = {"at": int, "body": dict, "cause": int, "epoch": int, "kind": str, "n": int, "schema": int, "sha": str}
CHECKPOINT = {"at": int, "epoch": int, "i": int, "key": str, "n": int, "sha": str, "sig": str}
Point = tuple[int, int, int, int]


class Flaw(Exception):
    """The first thing that is wrong: (record number, file, line, what)."""


def no_float(text: str) -> float:
    """Refuse a number that is not an integer."""
    raise ValueError(text)


def parse(line: bytes, fields: dict[str, type], name: str, number: int, n: int) -> dict[str, Any]:
    """The object of a canonical line with exactly these fields."""
    value: Any = None
    try:
        value = json.loads(line.decode("ascii"), parse_float=no_float, parse_constant=no_float)
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    except (ValueError, RecursionError) as error:
        raise Flaw(n, name, number, f"is not a line of JSON without fractions: {error}") from None
    if type(value) is not dict or {key: type(item) for key, item in value.items()} != fields or text != line:
        raise Flaw(n, name, number, f"is not canonical, or its fields are not {' '.join(fields)}")
    return value


# -- Ed25519 verification, from RFC 8032 section 5.1; points in extended coordinates (X, Y, Z, T) --------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p: Point, q: Point) -> Point:
    """The sum of two points."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(k: int, p: Point) -> Point:
    """`k` times a point."""
    total: Point = (0, 1, 1, 0)
    while k:
        if k & 1:
            total = add(total, p)
        p, k = add(p, p), k >> 1
    return total


def point(data: bytes) -> Point | None:
    """The curve point of 32 bytes, None if there is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is that key's."""
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or base is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, base), add(r, times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P


# -- the journal -----------------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a file, none if it does not exist."""
    if path.exists():
        with path.open("rb") as file:
            yield from enumerate(file, 1)


def public_key(directory: Path, pinned: str) -> bytes:
    """The key to check signatures with, empty if there is none."""
    path = directory / "checkpoints.pub"
    if path.exists():
        text = path.read_bytes().decode("ascii", "replace")
        if not re.fullmatch("[0-9a-f]{64}\n", text) or pinned not in ("", text[:-1]):
            raise Flaw(0, path.name, 1, "is not a public key, or not the one that was given")
        pinned = text[:-1]
    return bytes.fromhex(pinned)


def checkpoints(directory: Path, public: bytes) -> dict[int, dict[str, Any]]:
    """{record number: checkpoint}, each proved by itself."""
    found: dict[int, dict[str, Any]] = {}
    path, last = directory / CHECKPOINTS, 0
    key = hashlib.sha256(public).hexdigest()[:16] if public else ""
    for number, line in rows(path):
        value = parse(line, CHECKPOINT, CHECKPOINTS, number, 0)
        n, sig, text = value["n"], value["sig"], line[: line.rindex(b',"sig"')]
        if value["i"] != number or n <= last:
            raise Flaw(n, CHECKPOINTS, number, "a checkpoint is missing before it")
        if value["key"] != key or not re.fullmatch("[0-9a-f]{128}" if public else "", sig):
            raise Flaw(n, CHECKPOINTS, number, f"is not signed by key {key or 'none'}")
        if public and not signed(public, b"kedge journal checkpoint 1\n" + text, bytes.fromhex(sig)):
            raise Flaw(n, CHECKPOINTS, number, "the signature is wrong")
        found[n], last = value, n
    return found


def lines(directory: Path) -> Iterator[tuple[str, int, bytes, int]]:
    """(name, line number, line, day of the file) of every line."""
    epoch = dt.date(1970, 1, 1)
    paths = [
        path for path in sorted(directory.iterdir()) if re.fullmatch("audit-[0-9]{4}(-[0-9]{2}){2}.jsonl", path.name)
    ]
    days = [((dt.date.fromisoformat(path.stem[6:]) - epoch).days, path) for path in paths]
    for day, path in sorted(days):
        for number, line in rows(path):
            if path != max(days)[1] or line.strip(b"\0"):  # else pre-allocated space at the end
                yield path.name, number, line, day


def check(directory: str, pinned: str = "") -> tuple[int, int, bool]:
    """(records, last checkpointed record, whether it ended with a stop); Flaw if anything is wrong."""
    points = checkpoints(Path(directory), public_key(Path(directory), pinned))
    told, n, chain, today, epoch, kind, name = max(points, default=0), 0, bytes(32), -(10**9), 1, "", ""
    for name, number, line, day in lines(Path(directory)):
        value = parse(line, RECORD, name, number, n + 1)
        if value["n"] != n + 1:
            raise Flaw(n + 1, name, number, f"says n={value['n']}")
        n += 1
        chain = hashlib.sha256(chain + line[: line.rindex(b',"sha"')]).digest()
        if value["sha"] != chain[:16].hex():
            raise Flaw(n, name, number, "does not follow from the record before it")
        today = max(today, value["at"] // 86_400_000_000_000)
        if today != day:
            raise Flaw(n, name, number, "stands in another day's file")
        before, epoch, kind = epoch, value["epoch"], value["kind"]
        possible = re.fullmatch("[A-Za-z][A-Za-z0-9_.-]{0,63}", kind) and value["schema"] >= 0
        if epoch < before or not 0 <= value["cause"] < n or not possible:
            raise Flaw(n, name, number, "has an impossible epoch, cause, schema or kind")
        told_here = points.get(n, {"sha": chain.hex(), "at": value["at"], "epoch": epoch})
        if (told_here["sha"], told_here["at"], told_here["epoch"]) != (chain.hex(), value["at"], epoch):
            raise Flaw(n, name, number, "its checkpoint says otherwise: it, or one before it, was written anew")
    if not n and not (Path(directory) / CHECKPOINTS).exists():
        raise Flaw(0, directory, 0, "holds no journal")
    if told > n:
        raise Flaw(n + 1, name, 0, f"the journal ends at record {n}, but a checkpoint tells of {told}")
    if n and (not points or (kind == "stop" and told < n)):
        raise Flaw(n, CHECKPOINTS, 0, "the checkpoint of the end is missing")
    return n, told, kind == "stop"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not re.fullmatch("([0-9a-f]{64})?", "".join(sys.argv[2:])):
        sys.exit("usage: standalone.py DIR [PUBLIC_KEY as 64 hex digits]")
    try:
        count, covered, stopped = check(*sys.argv[1:])
    except Flaw as flaw:
        sys.exit("record {}, {} line {}: {}".format(*flaw.args))
    end = "stopped" if stopped else "ended without a stop"
    sys.stdout.write(f"ok: {count} records, checkpointed to {covered}, {end}\n")
