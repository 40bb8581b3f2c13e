"""`kedge venues`: what each venue can do by itself."""

from __future__ import annotations

from collections.abc import Iterable

import click

from kedge.cli import console
from kedge.cli.output import Output, write_json
from kedge.venues import registry
from kedge.venues.gateway import Amending, Capabilities

#: What a venue may have, by the name of its field, and what to call it.
ABILITIES = {
    "post_only": "post-only",
    "reduce_only": "reduce-only",
    "replace": "replace",
    "dead_mans_switch": "dead man's switch",
    "leverage": "set leverage",
    "short": "short",
    "query_by_client_id": "query by client id",
    "idempotent_place": "idempotent placing",
}

#: What an order's terms can become without another id.
AMENDING = {Amending.SMALLER: "amend (smaller)", Amending.PRICE_AND_QUANTITY: "amend (price, quantity)"}


@click.command(name="venues")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the table as JSON; - is standard output.")
def command(json_target: str | None) -> None:
    """The venues that Kedge trades at, and what each of them does by itself."""
    Output(json_target=json_target).check()
    found = {name: (entry, entry.capabilities()) for name, entry in registry.VENUES.items()}
    if json_target:
        write_json(
            json_target,
            [
                {"name": name, "title": entry.title, "extras": list(entry.extras), **_plain(can)}
                for name, (entry, can) in found.items()
            ],
        )
    if json_target != "-":
        rows = [
            (name, entry.title, _words(can.order_types), _words(can.times_in_force), _words(_abilities(can)))
            for name, (entry, can) in found.items()
        ]
        columns = ("venue", "", "order types", "in force", "and")
        console.console().print(console.table("Venues", columns, rows))
        console.console().print("any other that ccxt knows: ccxt:NAME, such as ccxt:kraken")
        console.console().print("is it there, is the key right: kedge doctor VENUE")


def _abilities(can: Capabilities) -> list[str]:
    amending = [AMENDING[can.amend]] if can.amend in AMENDING else []
    return [*amending, *(word for name, word in ABILITIES.items() if getattr(can, name))]


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(str(name) for name in names))


def _plain(can: Capabilities) -> dict[str, object]:
    return {
        "order_types": sorted(can.order_types),
        "times_in_force": sorted(can.times_in_force),
        **{name: bool(getattr(can, name)) for name in ABILITIES},
        "amend": can.amend.value,
        "candle_interval_seconds": [interval // 1_000_000_000 for interval in sorted(can.candle_intervals)],
    }
