"""`kedge doctor VENUE`: is it there, is the clock right, is the key as it should be."""

from __future__ import annotations

import asyncio

import click

from kedge.cli import console
from kedge.cli.access import access
from kedge.cli.main import NO
from kedge.cli.output import Output, write_json
from kedge.venues import registry
from kedge.venues.checkup import Finding, Verdict, look
from kedge.venues.wire.system import SystemClock

STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.BAD: "bold red"}


@click.command(name="doctor")
@click.argument("venue")
@click.option("--symbol", default="BTC-USD", show_default=True, help="The market to look at, by its canonical name.")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the findings as JSON; - is standard output.")
def command(venue: str, symbol: str, json_target: str | None) -> None:
    """Look at VENUE and at our account there: clock, latency, filters, key, limits. Nothing is changed.

    Exit code 1 where something forbids trading, such as a key that may withdraw.
    """
    Output(json_target=json_target).check()
    registry.entry(venue)
    found = asyncio.run(_look(venue, symbol))
    if json_target:
        write_json(json_target, {"venue": venue, "findings": [_plain(each) for each in found]})
    if json_target != "-":
        for each in found:
            console.marked(f"{each.verdict:4}", STYLES[each.verdict], f"{each.what}: {each.detail}")
    if any(each.verdict is Verdict.BAD for each in found):
        raise click.exceptions.Exit(NO)


async def _look(venue: str, symbol: str) -> list[Finding]:
    who = access()
    async with registry.connected(venue, who) as gateway:
        return await look(gateway, SystemClock(), symbol, has_key=bool(who.api_key))


def _plain(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "verdict": finding.verdict.value, "detail": finding.detail}
