"""`kedge strategies [NAME]`."""

from __future__ import annotations

import click

from kedge.cli import console, loading
from kedge.cli.output import write_json
from kedge.core.strategy.parameters import text_of


@click.command(name="strategies")
@click.argument("name", required=False)
@click.option("--json", "json_target", metavar="FILE|-", help="Write the list as JSON; - is standard output.")
def command(name: str | None, json_target: str | None) -> None:
    """The shipped strategies, or the parameters of NAME (a shipped name, file.py:Class or module:Class)."""
    if name is None:
        shipped = {each: entry.description for each, entry in loading.SHIPPED.items()}
        if json_target:
            write_json(json_target, [{"name": each, "description": text} for each, text in shipped.items()])
        if json_target != "-":
            console.console().print(console.table("Strategies", ("name", "what it does"), list(shipped.items())))
            console.console().print("parameters: kedge strategies NAME")
        return
    found = loading.strategy_class(name)
    rows = [
        (each.name, each.type.__name__, text_of(each.default), str(each.bounds), each.doc)
        for each in found.parameters.values()
    ]
    keys = ("name", "type", "default", "bounds", "meaning")
    if json_target:
        write_json(json_target, {"name": name, "parameters": [dict(zip(keys, row, strict=True)) for row in rows]})
    if json_target != "-":
        console.console().print(console.table(name, ("parameter", "type", "default", "bounds", "meaning"), rows))
