"""`kedge audit verify|replay|explain|show DIR`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
import msgspec

from kedge.cli import console
from kedge.cli.backtest import moment
from kedge.cli.group import NamedGroup
from kedge.cli.main import NO
from kedge.cli.output import Output, write_json
from kedge.model.errors import ConfigError
from kedge.model.instant import iso

JSON = click.option("--json", "json_target", metavar="FILE|-", help="Write the findings as JSON; - is standard output.")


@click.group(name="audit", cls=NamedGroup)
def command() -> None:
    """Verify, replay, explain and show a journal."""


@command.command()
@click.argument("directory", metavar="DIR")
@click.option("--public-key", metavar="HEX", help="The 64 hex digits of the key that must have signed.")
@JSON
def verify(directory: str, public_key: str | None, json_target: str | None) -> None:
    """Was anything changed, removed, reordered or cut off? Exit code 1 if so."""
    from kedge.journal.verify import verify as check

    Output(json_target=json_target).check(journal=directory)
    report = check(directory, public_key)
    if json_target:
        write_json(json_target, {"ok": report.ok, **msgspec.to_builtins(report)})
    if json_target != "-":
        for problem in report.problems:
            console.marked("problem:", "red", str(problem))
        if report.problems_total > len(report.problems):
            console.say(f"... and {report.problems_total - len(report.problems)} more")
        for warning in report.warnings:
            console.marked("warning:", "yellow", str(warning))
        signed = f" signed by {report.signed_by}" if report.signed_by else ""
        found = f"{report.records} records in {report.segments} files, {report.checkpoints} checkpoints{signed}"
        if report.ok:
            console.marked("intact:", "green", found)
        else:
            console.marked(f"{report.problems_total} problems:", "red", found)
    if not report.ok:
        raise click.exceptions.Exit(NO)


@command.command()
@click.argument("directory", metavar="DIR")
@JSON
def replay(directory: str, json_target: str | None) -> None:
    """Decide again from the recorded facts and compare byte for byte. Exit code 1 where anything differs."""
    from kedge.backtest.replay import replay as again
    from kedge.cli.loading import of_spec

    Output(json_target=json_target).check(journal=directory)
    report = again(directory, of_spec)
    if json_target:
        write_json(json_target, {"ok": report.ok, **msgspec.to_builtins(report)})
    if json_target != "-":
        for difference in report.differences:
            console.marked(f"record {difference.n}", "red", "")
            console.say(f"  recorded: {difference.recorded}")
            console.say(f"  decided:  {difference.decided}")
        again_made = f"{report.decisions} decisions made again from {report.facts} facts, state {report.decided[:16]}"
        console.marked("agrees:" if report.ok else "differs:", "green" if report.ok else "red", again_made)
        if report.folded != report.decided:
            console.say("the state folded from the records is not the state that decided", style="red")
    if not report.ok:
        raise click.exceptions.Exit(NO)


@command.command()
@click.argument("directory", metavar="DIR")
@click.argument("order_id")
@JSON
def explain(directory: str, order_id: str, json_target: str | None) -> None:
    """Why was this order sent, and what became of it: the whole chain, from the records alone."""
    from kedge.journal.explain import explain as chain

    Output(json_target=json_target).check(journal=directory)
    found = chain(directory, order_id)
    if json_target:
        write_json(json_target, msgspec.to_builtins(found))
    if json_target != "-":
        for line in found.lines:
            console.marked(f"{line.n:>8}  {_when(line.at)}  {line.kind}", "bold", f" {line.role}")
            for text in _described(line.kind, _current(line.kind, line.schema, line.body)):
                console.say(f"          {text}")
        if found.children:
            console.say(f"protected by: {', '.join(found.children)}")


@command.command()
@click.argument("directory", metavar="DIR")
@click.option("--kind", "-k", "kinds", multiple=True, help="Only records of this kind; may be given several times.")
@click.option("--order", metavar="ID", help="Only records that name this order.")
@click.option("--strategy", metavar="NAME", help="Only records that name this strategy.")
@click.option("--symbol", metavar="SYMBOL", help="Only records of this symbol.")
@click.option("--since", metavar="TIME", help="Only records from this time on.")
@click.option("--until", metavar="TIME", help="Only records before this time.")
@click.option("--from", "first", type=click.IntRange(min=1), help="Only records from this number on.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many records.")
@JSON
def show(directory: str, limit: int, json_target: str | None, **wanted: Any) -> None:
    """Records, filtered."""
    from kedge.journal.read import read

    Output(json_target=json_target).check(journal=directory)
    for kind in wanted["kinds"]:
        _known(kind)
    found: list[dict[str, Any]] = []
    since, until = moment(wanted["since"], "--since"), moment(wanted["until"], "--until")
    texts = [wanted[name] for name in ("order", "strategy", "symbol") if wanted[name]]
    for record in read(directory):
        if wanted["kinds"] and record.kind not in wanted["kinds"]:
            continue
        if (wanted["first"] and record.n < wanted["first"]) or (since is not None and record.at < since):
            continue
        if until is not None and record.at >= until:
            continue
        if not all(f'"{text}"'.encode("ascii", "replace") in record.body for text in texts):
            continue
        body = msgspec.json.decode(record.body)
        found.append({
            "n": record.n, "at": _when(record.at), "kind": record.kind, "schema": record.schema, "cause": record.cause,
            "body": body,
        })  # fmt: skip
        if len(found) >= limit:
            break
    if json_target:
        write_json(json_target, found)
    if json_target != "-":
        rows = [
            (
                row["n"],
                row["at"],
                row["kind"],
                row["cause"] or "",
                _short(_current(row["kind"], row["schema"], row["body"])),
            )
            for row in found
        ]
        console.console().print(
            console.table(f"{len(rows)} records", ("n", "time", "kind", "cause", "body"), rows, right=(0, 3))
        )


def _known(kind: str) -> None:
    """Refuse a kind that no record can have: asking for it would find nothing and prove nothing."""
    from kedge.model.kinds import KINDS

    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(KINDS)}"
        raise ConfigError(f"--kind {kind} is no kind of record; {hint}")


def _when(at: int) -> str:
    """A time of a record; what no calendar holds is shown as it stands."""
    try:
        return iso(at)
    except OverflowError:
        return f"{at} ns"


def _current(kind: str, schema: int, body: Any) -> Any:
    """A body that an earlier Kedge wrote, in the form of today."""
    from kedge.model.kinds import UPCASTERS, VERSIONS

    for version in range(schema, VERSIONS.get(kind, 1)):
        body = UPCASTERS[kind, version](body)
    return body


def _described(kind: str, body: Any) -> list[str]:
    """A body as a few readable lines: an order with its checks, else its fields."""
    if kind not in ("approved", "refused") or not isinstance(body, dict) or "intent" not in body:
        return [_short(body)]
    lines = [_short(body["intent"])]
    if "reason" in body:
        lines.append(f"refused: {body['reason']}")
    checks = body.get("checks", {})
    failed, notes = checks.get("failed", ()), checks.get("notes", {})
    for name, limit, figure in zip(*(checks.get(column, ()) for column in ("names", "limits", "figures")), strict=True):
        against = f" against {limit}" if limit else ""
        note = f"  ({notes[name]})" if name in notes else ""
        lines.append(f"{'FAILED' if name in failed else 'passed'}  {name}: {figure}{against}{note}")
    return lines


def _short(body: Any) -> str:
    if not isinstance(body, dict):
        return str(body)
    parts = []
    for key, value in body.items():
        if value in ("", None, [], {}) or key == "type":
            continue
        if key == "checks":
            failed = value.get("failed", ())
            parts.append(
                f"checks={len(value.get('names', ()))}" + (f" failed={','.join(failed)}" if failed else " passed")
            )
            continue
        parts.append(f"{key}=({_short(value)})" if isinstance(value, dict) else f"{key}={value}")
    return "  ".join(parts)
