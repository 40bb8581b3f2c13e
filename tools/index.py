"""The package index: whatever this machine's pip or uv is configured to use.

No file of this repository names a download host. pip and uv know theirs; this module reads what the user told either of
them (pip: files, then environment; uv: `uv.toml`, then environment), so that one can be run with the other's settings,
and so that pip itself can be fetched where a machine has none. Pins carry hashes: where a file comes from is a matter
of reach, never of trust.
"""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Configured", "Failed", "PackageIndex", "configured"]

PIP_SECTIONS = ("global", "install", "download")


class Failed(Exception):
    """What the user must be told, in one line."""


@dataclass(frozen=True)
class PackageIndex:
    """One tool's settings. Addresses may carry passwords: never print them."""

    default: str | None = None
    extra: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    certificates: str | None = None
    proxy: str | None = None

    @property
    def told(self) -> bool:
        """Whether the user named any source of packages."""
        return bool(self.default or self.extra or self.links)

    def bases(self) -> Iterator[str]:
        """The simple indexes, the default first."""
        if self.default:
            yield self.default
        yield from self.extra


@dataclass(frozen=True)
class Configured:
    """Both tools' settings as found on this machine."""

    pip: PackageIndex = field(default_factory=PackageIndex)
    uv: PackageIndex = field(default_factory=PackageIndex)

    def either(self) -> PackageIndex:
        """pip's sources, or uv's where pip was told of none."""
        return self.pip if self.pip.told else self.uv

    def environment_for_pip(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ`, plus uv's sources where pip was told of none."""
        env = dict(environ)
        if not self.pip.told and self.uv.told:
            if self.uv.default:
                env["PIP_INDEX_URL"] = self.uv.default
            _join(env, "PIP_EXTRA_INDEX_URL", " ", self.uv.extra)
            _join(env, "PIP_FIND_LINKS", " ", self.uv.links)
        return env

    def environment_for_uv(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ`, plus pip's sources, certificates and proxy where uv was told of none."""
        env = dict(environ)
        if not self.uv.told and self.pip.told:
            if self.pip.default:
                env["UV_DEFAULT_INDEX"] = self.pip.default
            _join(env, "UV_INDEX", " ", self.pip.extra)
            _join(env, "UV_FIND_LINKS", ",", self.pip.links)
            _join(env, "UV_INSECURE_HOST", " ", self.pip.trusted)
        # The pins' hashes decide, so every index may answer for every name.
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
        if self.pip.certificates:
            env.setdefault("SSL_CERT_FILE", self.pip.certificates)
        if self.pip.proxy:
            env.setdefault("HTTPS_PROXY", self.pip.proxy)
            env.setdefault("HTTP_PROXY", self.pip.proxy)
        return env


def configured(environ: Mapping[str, str] | None = None) -> Configured:
    """Read both tools' settings for this user."""
    env = os.environ if environ is None else environ
    return Configured(pip=_pip(env), uv=_uv(env))


def _pip(env: Mapping[str, str]) -> PackageIndex:
    values: dict[str, str] = {}
    parser = configparser.RawConfigParser(strict=False)
    for path in _pip_files(env):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as problem:
            raise Failed(f"pip's settings in {path} cannot be read ({_one_line(problem)}); mend that file") from None
        for section in PIP_SECTIONS:
            if parser.has_section(section):
                values.update({name.replace("_", "-").lower(): text for name, text in parser.items(section)})
        parser.clear()
    for name, text in env.items():
        if name.startswith("PIP_") and text:
            values[name.removeprefix("PIP_").replace("_", "-").lower()] = text
    no_index = values.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    return PackageIndex(
        default=None if no_index else values.get("index-url"),
        extra=() if no_index else tuple(values.get("extra-index-url", "").split()),
        links=tuple(values.get("find-links", "").split()),
        trusted=tuple(values.get("trusted-host", "").split()),
        certificates=values.get("cert"),
        proxy=values.get("proxy"),
    )


def _pip_files(env: Mapping[str, str]) -> list[Path]:
    """pip's own files, the weakest first; `PIP_CONFIG_FILE=/dev/null` means none at all."""
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(env.get("HOME") or env.get("USERPROFILE") or os.sep)
    if sys.platform == "win32":
        files = [
            Path(env.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini",
            home / "pip" / "pip.ini",
            Path(env.get("APPDATA", home)) / "pip" / "pip.ini",
        ]
    else:
        shared = [Path(folder) for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep) if folder]
        if sys.platform == "darwin":
            shared.append(Path("/Library/Application Support"))
        files = [folder / "pip" / "pip.conf" for folder in reversed(shared)]
        files += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
        if sys.platform == "darwin":
            files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
        files.append(Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf")
    if named:
        files.append(Path(named).expanduser())
    return files


def _uv(env: Mapping[str, str]) -> PackageIndex:
    default: str | None = None
    extra: list[str] = []
    links: list[str] = []
    for path in _uv_files(env):
        if not path.is_file():
            continue
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise Failed(f"uv's settings in {path} cannot be read ({_one_line(problem)}); mend that file") from None
        for table in (settings, settings.get("pip", {})):
            default = table.get("index-url", default)
            extra += table.get("extra-index-url", [])
            links += table.get("find-links", [])
            for entry in table.get("index", []):
                if entry.get("default"):
                    default = entry["url"]
                else:
                    extra.append(entry["url"])
    default = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or default
    extra += (env.get("UV_INDEX") or env.get("UV_EXTRA_INDEX_URL") or "").split()
    links += (env.get("UV_FIND_LINKS") or "").replace(",", " ").split()
    # `name=address` names an index; only the address matters here.
    return PackageIndex(
        default=_address(default) if default else None,
        extra=tuple(_address(text) for text in extra),
        links=tuple(links),
    )


def _uv_files(env: Mapping[str, str]) -> list[Path]:
    if env.get("UV_NO_CONFIG"):
        return []
    if env.get("UV_CONFIG_FILE"):
        return [Path(env["UV_CONFIG_FILE"])]
    home = Path(env.get("HOME") or env.get("USERPROFILE") or os.sep)
    return [Path("/etc/uv/uv.toml"), Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"]


def _address(text: str) -> str:
    name, separator, address = text.partition("=")
    return address if separator and "/" not in name and ":" not in name else text


def _join(env: dict[str, str], name: str, separator: str, values: tuple[str, ...]) -> None:
    if values:
        env.setdefault(name, separator.join(values))


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())
