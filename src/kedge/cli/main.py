"""`kedge`: the command group, loaded a command at a time, and the one place where errors become exit codes.

    0  done                      1  done, and the answer is no (a journal that does not verify, data with findings)
    2  bad input or usage        3  the world failed: disk, permissions, memory; a closed pipe is 0
    70 a bug of Kedge's own      130 interrupted

A user's mistake is one line on standard error that names the thing, the value and the remedy. `KEDGE_TRACEBACK=1` shows
where it came from.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import click

from kedge import __version__
from kedge.cli.group import NamedGroup
from kedge.model.errors import KedgeError, OurBug, UserError, WorldError

#: Command, the module that has it, and its line in the list.
COMMANDS = {
    "demo": ("kedge.cli.demo", "the whole of Kedge on a synthetic market: backtest, report, journal, verification"),
    "backtest": ("kedge.cli.backtest", "run a strategy over candles, under fees, slippage and risk limits"),
    "sweep": ("kedge.cli.sweep", "run a grid of parameters, compiled, on one process or many"),
    "lookahead": ("kedge.cli.lookahead", "examine whether a strategy's decisions depend on the future"),
    "walk-forward": ("kedge.cli.walk_forward", "choose parameters on one stretch, judge them on the next, move on"),
    "trials": ("kedge.cli.trials", "how often each set of data was tried, and what luck alone would show"),
    "strategies": ("kedge.cli.strategies", "the strategies that are shipped, and the parameters of any"),
    "venues": ("kedge.cli.venues", "the venues there are, and what each can do"),
    "doctor": ("kedge.cli.doctor", "look at a venue and our account there: clock, key, limits, filters, latency"),
    "download": ("kedge.cli.download", "candles from a venue into the catalogue"),
    "data": ("kedge.cli.data", "check market data, import it into the catalogue, list what is there"),
    "audit": ("kedge.cli.audit", "verify, replay, explain and show a journal"),
    "emulator": ("kedge.cli.emulator", "a venue on this machine, with its real wire protocol, to test a bot against"),
    "init": ("kedge.cli.init", "start a project: a strategy, its test and its kedge.toml"),
}

NO, BAD_INPUT, WORLD, BUG, INTERRUPTED = 1, 2, 3, 70, 130
MESSAGE_LENGTH_MAX = 1_000


class Commands(NamedGroup):
    """A group whose commands are imported when they are called, so that `kedge --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kedge")
def cli() -> None:
    """Kedge: the same strategy file in a backtest, on paper and live, behind risk controls, over a journal."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    _mend_streams()
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)  # as Ctrl-C: clean up, then leave
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except OSError:  # whoever read it is gone; what is left must not fail again when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; its exit code."""
    try:
        _invoke(arguments)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        print(asked.ctx.get_help())
        return 0
    except click.ClickException as error:
        return _say(_usage(error), BAD_INPUT, error)
    except UserError as error:
        return _say(str(error), BAD_INPUT, error)
    except OurBug as error:
        hint = "" if os.environ.get("KEDGE_TRACEBACK") else " (KEDGE_TRACEBACK=1 shows where)"
        return _say(f"this is a bug in Kedge, please report it{hint}: {error}", BUG, error)
    except WorldError as error:
        return _say(str(error), WORLD, error)
    except KedgeError as error:
        return _say(str(error), _answer(error), error)
    except BrokenPipeError:
        return 0
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted; nothing half-written is left behind", INTERRUPTED, None)
    except MemoryError as error:
        return _say(
            "there is not enough memory; give less data, or Kedge's own Parquet, which is streamed", WORLD, error
        )
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _say(f"{error.strerror or error}:{where} check the path, its permissions and the disk", WORLD, error)
    return 0


def _invoke(arguments: list[str]) -> None:
    """Run the command; whatever nobody foresaw is a bug of ours."""
    try:
        with cli.make_context("kedge", list(arguments) or ["--help"]) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except (click.ClickException, click.exceptions.Exit, click.Abort, KedgeError, OSError, MemoryError):
        raise
    except Exception as error:
        raise OurBug(f"{type(error).__name__}: {error}") from error


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and ";" not in message:
        command = "kedge" if error.ctx is None else error.ctx.command_path
        message = f"{message.rstrip('.')}; see {command} --help"
    return message


def _answer(error: KedgeError) -> int:
    """A journal that is not what was written is an answer, not a mistake of who asked."""
    from kedge.journal.errors import DecodeRefused, JournalCorrupt

    return NO if isinstance(error, JournalCorrupt | DecodeRefused) else BAD_INPUT


def _say(message: str, code: int, error: BaseException | None) -> int:
    from kedge.cli.console import printable

    if error is not None and os.environ.get("KEDGE_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    line = printable(" ".join(message.split()))
    if len(line) > MESSAGE_LENGTH_MAX:
        line = f"{line[: MESSAGE_LENGTH_MAX // 2]} ... {line[-MESSAGE_LENGTH_MAX // 2 :]}"
    print(f"error: {line}", file=sys.stderr)
    return code


def _mend_streams() -> None:
    """Streams that were closed lead nowhere, and what a terminal cannot show is written as an escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open as long as the process)
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
