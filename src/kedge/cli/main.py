"""`kedge`: the command group, loaded a command at a time, and the one place where errors become exit codes.

    0  done                      1  done, and the answer is no (a journal that does not verify, data with findings)
    2  bad input or usage        3  the world failed: disk, permissions, a closed pipe is 0
    70 a bug of Kedge's own      130 interrupted

A user's mistake is one line on standard error that names the thing, the value and the remedy. `KEDGE_TRACEBACK=1` shows
where it came from.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from kedge import __version__
from kedge.model.errors import KedgeError, OurBug, UserError, WorldError

#: Command, the module that has it, and its line in the list.
COMMANDS = {
    "demo": ("kedge.cli.demo", "the whole of Kedge on a synthetic market: backtest, report, journal, verification"),
    "backtest": ("kedge.cli.backtest", "run a strategy over candles, under fees, slippage and risk limits"),
    "strategies": ("kedge.cli.strategies", "the strategies that are shipped, and the parameters of any"),
    "data": ("kedge.cli.data", "check market data, import it into the catalogue, list what is there"),
    "audit": ("kedge.cli.audit", "verify, replay, explain and show a journal"),
    "init": ("kedge.cli.init", "start a project: a strategy, its test and its kedge.toml"),
}

NO, BAD_INPUT, WORLD, BUG, INTERRUPTED = 1, 2, 3, 70, 130


class Commands(click.Group):
    """A group whose commands are imported when they are called, so that `kedge --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kedge")
def cli() -> None:
    """Kedge: the same strategy file in a backtest, on paper and live, behind risk controls, over a journal."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line; its exit code."""
    try:
        cli.main(args=arguments, prog_name="kedge", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        return _say(error.format_message(), BAD_INPUT, error)
    except UserError as error:
        return _say(str(error), BAD_INPUT, error)
    except OurBug as error:
        return _say(f"this is a bug in Kedge, please report it: {error}", BUG, error)
    except WorldError as error:
        return _say(str(error), WORLD, error)
    except KedgeError as error:
        return _say(str(error), BAD_INPUT, error)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return _say("interrupted; nothing half-written is left behind", INTERRUPTED, None)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _say(f"{error.strerror or error}:{where}; check the path, its permissions and the disk", WORLD, error)
    return 0


def _say(message: str, code: int, error: BaseException | None) -> int:
    if error is not None and os.environ.get("KEDGE_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    line = " ".join(message.split())
    print(f"error: {line}", file=sys.stderr)
    return code
