"""The pins: complete, hashed, consistent, and silent about where packages come from."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
PYTHONS = ("3.11", "3.12", "3.13")


def pins(path: Path) -> dict[str, list[str]]:
    """Requirement line -> its hashes."""
    found: dict[str, list[str]] = {}
    line = ""
    for text in path.read_text(encoding="utf-8").splitlines():
        if text.startswith(" "):
            found[line].append(text.strip().removesuffix("\\").strip())
        else:
            line = text.removesuffix("\\").strip()
            found[line] = []
    return found


def chosen(path: Path, python: str) -> dict[str, str]:
    """Name -> version for one Python on Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
    }
    versions: dict[str, str] = {}
    for requirement in map(Requirement, pins(path)):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in versions, f"{path.name} pins {name} twice for Python {python}"
            versions[name] = str(requirement.specifier).removeprefix("==")
    return versions


def declared(name: str) -> list[str]:
    """What pyproject.toml asks for in one requirements file."""
    core: list[str] = PROJECT["project"]["dependencies"]
    if name == "core":
        return core
    groups: dict[str, list[str]] = PROJECT["dependency-groups"]
    if name == "clients":
        return groups[name]
    if name == "dev":
        return core + groups[name] + [line for extra in EXTRAS.values() for line in extra]
    return core + EXTRAS[name]


def test_there_is_a_file_for_the_core_the_tools_and_every_extra() -> None:
    assert {path.stem for path in FILES} == {"core", "dev", "clients", "pip", *EXTRAS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_has_a_hash(path: Path) -> None:
    for line, hashes in pins(path).items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; .+)?", line)
        assert hashes, f"{line} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", text) for text in hashes)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", ["core", "dev", "clients", *EXTRAS])
def test_what_the_project_declares_is_pinned_within_its_bounds(name: str, python: str) -> None:
    versions = chosen(ROOT / "requirements" / f"{name}.txt", python)
    for requirement in map(Requirement, declared(name)):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is pinned to {version}"


@pytest.mark.parametrize("name", ["dev", *EXTRAS])
def test_every_core_pin_stands_unchanged_in_the_larger_set(name: str) -> None:
    """Its marker may widen: what only PyPy lacks, another package may need everywhere."""
    core, larger = (
        {line.partition(" ; ")[0]: hashes for line, hashes in pins(ROOT / "requirements" / f"{file}.txt").items()}
        for file in ("core", name)
    )
    assert {line: larger.get(line) for line in core} == core


def test_numpy_forks_where_it_dropped_the_oldest_python() -> None:
    old, new = (chosen(ROOT / "requirements" / "core.txt", python)["numpy"] for python in ("3.11", "3.13"))
    assert tuple(map(int, old.split("."))) < (2, 5) <= tuple(map(int, new.split(".")))


def test_no_committed_file_says_where_packages_come_from() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: no list of committed files")
    names = listed.stdout.split("\n")
    assert not [name for name in names if name.endswith("uv.lock")]
    tooling = re.compile(r"^(requirements/|tools/|tasks\.py|pyproject\.toml|Makefile|\.ci/|\.pre-commit)")
    address = re.compile(r"[a-z+]+://|--(extra-)?index-url|--find-links|--trusted-host")
    for name in filter(tooling.match, names):
        assert not address.search((ROOT / name).read_text(encoding="utf-8")), f"{name} names a host"
