"""A command group that answers a misspelt command with the nearest one."""

from __future__ import annotations

from difflib import get_close_matches

import click


class NamedGroup(click.Group):
    """Knows its commands by name; what it does not know it does not guess at, but suggests."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            near = get_close_matches(args[0], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise click.UsageError(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)
