#!/usr/bin/env python3
"""The tasks of this repository: `python3 tasks.py TASK [ARGUMENTS]`. Needs Python 3.11 or newer and nothing else.

The first call makes a private environment in `.venv` from the pinned requirements (by uv where there is one, else by
pip) and later calls use it. The package index, its certificates and proxy are those your pip or uv is configured with.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "tasks.py: Kedge needs Python 3.11 or newer and this is %d.%d (%s); run it with a newer one, as in: python3.11 tasks.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import os
import subprocess
from collections.abc import Callable, Sequence

sys.dont_write_bytecode = True  # for tools/: a checkout that only ran a task stays as it was
from tools.environment import ROOT, Failed, ensure, packages_of

CODE = ("src", "tests", "benchmarks", "tools", "tasks.py")
HOT = [f"tests/{name}" for name in ("core", "safety", "venues/sim", "backtest", "strategies", "journal")]
EXTRAS = ("ccxt", "dask", "evm", "fast", "live", "research")
PIP = "pip==26.2.1\n"  # fetched only where a machine has none; not the newest, so that mirrors have it
TASKS: dict[str, Callable[[list[str]], int]] = {}


def task(body: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """Enter a function into the table under its name."""
    TASKS[body.__name__.strip("_")] = body
    return body


def run(level: str, module: str, arguments: Sequence[str]) -> int:
    """Run a module of the private environment from the checkout's root; its exit code."""
    return subprocess.run([str(ensure(level)), "-m", module, *arguments], cwd=ROOT).returncode


def code() -> list[str]:
    """The Python that is ours."""
    return [name for name in CODE if (ROOT / name).exists()]


@task
def demo(arguments: list[str]) -> int:
    """The main job: `kedge demo`, a seeded synthetic market through a strategy, risk, journal and report."""
    return kedge(["demo", *arguments])


@task
def kedge(arguments: list[str]) -> int:
    """The command line, from the folder you are in: `python3 tasks.py kedge backtest --help`."""
    return subprocess.run([str(ensure("core")), "-m", "kedge", *arguments]).returncode


@task
def test(arguments: list[str]) -> int:
    """All tests, on two processes; arguments go to pytest."""
    chosen = any(argument.startswith(("-n", "--numprocesses")) for argument in arguments)
    return run("dev", "pytest", [*([] if chosen else ["-n", "2"]), *arguments])


@task
def clients(arguments: list[str]) -> int:
    """Other people's clients against our emulators (tests/clients), in an environment of their own."""
    ensure("dev")
    return run("clients", "pytest", ["-c", "tests/clients/pytest.ini", "tests/clients", *arguments])


@task
def compile_(arguments: list[str]) -> int:
    """Kedge with its hot path compiled, in `.venv-compiled` (needs a C compiler): `.venv-compiled/bin/kedge`."""
    print(f"compiled: {ensure('compiled').with_name('kedge').relative_to(ROOT)}")
    return 0


@task
def test_compiled(arguments: list[str]) -> int:
    """The tests of the hot path against the compiled build; what derives from its classes is left out."""
    site = str(packages_of(ensure("compiled")))
    options = ["-n", "2", "-m", "not interpreted", "-o", f"pythonpath={site} . tests"]
    env = {**os.environ, "PYTHONPATH": site, "KEDGE_TESTED_BUILD": "compiled"}
    command = [str(ensure("dev")), "-m", "pytest", *options, *(arguments or HOT)]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


@task
def check(arguments: list[str]) -> int:
    """Everything that must pass: format, lint, types, layers, tidy, test (`--no-tests` leaves the last out)."""
    if arguments not in ([], ["--no-tests"]):
        raise Failed(f"check takes --no-tests or nothing, not {' '.join(arguments)!r}")
    failed = []
    for name in ("style", "lint", "types", "layers", "tidy", *([] if arguments else ["test"])):
        print(f"\n== {name}", flush=True)
        if TASKS[name]([]) != 0:
            failed.append(name)
    if failed:
        print(f"\ncheck failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


@task
def style(arguments: list[str]) -> int:
    """Say which files `format` would change."""
    return run("dev", "ruff", ["format", "--check", *arguments, *code()])


@task
def format_(arguments: list[str]) -> int:
    """Rewrite the code in the one format, and mend what the linter can mend safely."""
    run("dev", "ruff", ["check", "--fix-only", "--quiet", *arguments, *code()])
    return run("dev", "ruff", ["format", *arguments, *code()])


@task
def lint(arguments: list[str]) -> int:
    """The linter."""
    return run("dev", "ruff", ["check", *arguments, *code()])


@task
def types(arguments: list[str]) -> int:
    """mypy --strict."""
    return run("dev", "mypy", [*arguments, *code()])


@task
def layers(arguments: list[str]) -> int:
    """The import contract."""
    return subprocess.run([str(ensure("dev").with_name("lint-imports")), *arguments], cwd=ROOT).returncode


@task
def tidy(arguments: list[str]) -> int:
    """The conventions that no linter knows (tests/tidy)."""
    return run("dev", "tests.tidy", arguments)


@task
def coverage(arguments: list[str]) -> int:
    """The tests with branch coverage."""
    return test(["--cov", "--cov-report=term-missing:skip-covered", *arguments])


@task
def bench(arguments: list[str]) -> int:
    """The benchmarks: `python3 -m benchmarks` in the private environment."""
    return run("dev", "benchmarks", arguments)


@task
def pin(arguments: list[str]) -> int:
    """Compile requirements/ anew from pyproject.toml (needs uv); `--upgrade` takes newer versions."""
    for target, source in {
        "core": ["pyproject.toml"],
        "dev": ["pyproject.toml", "--all-extras", "--group", "dev"],
        "clients": ["--group", "clients"],
        **{extra: ["pyproject.toml", "--extra", extra] for extra in EXTRAS},
        "pip": ["-"],
    }.items():
        output = ROOT / "requirements" / f"{target}.txt"
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", *arguments]
        if target not in {"core", "clients"}:
            command += ["-c", "requirements/core.txt"]
        ran = subprocess.run([*command, *source, "-o", str(output)], cwd=ROOT, input=PIP, text=True)
        if ran.returncode != 0:
            return ran.returncode
    return 0


@task
def help_(arguments: list[str]) -> int:
    """This list."""
    print("python3 tasks.py TASK [ARGUMENTS]\n")
    for name, body in TASKS.items():
        print(f"  {name:<13} {(body.__doc__ or '').strip()}")
    return 0


def main(arguments: list[str]) -> int:
    """Run one task; its exit code, or 2 where the task is unknown and 1 where the environment cannot be made."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        return help_([])
    name, *rest = arguments
    if name not in TASKS:
        print(f"tasks.py: there is no task {name!r}; the tasks are: {', '.join(TASKS)}", file=sys.stderr)
        return 2
    try:
        return TASKS[name](rest)
    except Failed as failure:
        print(f"tasks.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
