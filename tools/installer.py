"""The installer: uv where it is, else whatever pip can be had, without root and without touching the system's.

In this order, the first that answers: uv on PATH; the pip of the private environment; the pip of the Python that runs
us (told to install into the private environment, so that Debian's "externally managed" mark does not concern it);
`ensurepip`; Debian's wheel of pip, if installed; another pip on PATH; pip's wheel from the configured index, checked
against `requirements/pip.txt`; Debian's wheel through `apt-get download`, which needs no root and checks signatures.
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.index import Configured, Failed, PackageIndex

__all__ = ["Installer", "find_pip", "find_uv"]

# The pins name every package. Left to resolve, pip takes the newest of what another package asks for with an extra
# (`coverage[toml]`) before it sees the pin, and fails as soon as there is a newer one than ours.
EXACTLY = ("--require-hashes", "--no-deps")
DEBIAN_WHEELS = Path("/usr/share/python-wheels")
DOWNLOAD_BYTES_MAX = 16 * 1024 * 1024
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Installer:
    """A command that installs into the private environment; requirement files follow it."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]

    def install(self, requirements: Path) -> bool:
        """Install exactly these pins, hashes checked. Says whether it worked; the tool itself says why not."""
        return subprocess.run([*self.command, "-r", str(requirements)], env=self.environment).returncode == 0


def _base_environment() -> dict[str, str]:
    """The user's environment without what would send packages elsewhere, and nothing cached outside the checkout."""
    drop = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "VIRTUAL_ENV"}
    drop |= {"PIP_REQUIRE_VIRTUALENV", "PIP_PYTHON", "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_TARGET"}
    env = {name: text for name, text in os.environ.items() if name not in drop}
    if "PIP_CACHE_DIR" not in env:
        env["PIP_NO_CACHE_DIR"] = "1"
    if "UV_CACHE_DIR" not in env:
        env["UV_NO_CACHE"] = "1"
    return env | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"}


def find_uv(python: Path, sources: Configured) -> Installer | None:
    """uv, set to install into the environment of `python`; None where there is no uv or `KEDGE_NO_UV` is set."""
    uv = None if os.environ.get("KEDGE_NO_UV") else shutil.which("uv")
    if uv is None or not _answers([uv, "--version"]):
        return None
    command = (uv, "pip", "install", "--quiet", "--compile-bytecode", *EXACTLY, "--python", str(python))
    return Installer("uv", command, sources.environment_for_uv(_base_environment()))


def find_pip(python: Path, sources: Configured, pins: Path) -> Installer:
    """The first pip that answers, in the order of this module's docstring.

    Raises:
        Failed: no way to a pip; the line names the remedy.
    """
    ways: list[Callable[[], Sequence[str] | None]] = [
        lambda: _if_answers([str(python), "-m", "pip"]),
        lambda: _if_answers([sys.executable, "-m", "pip", "--python", str(python)]),
        lambda: _by_ensurepip(python),
        lambda: _from_wheels(python, DEBIAN_WHEELS),
        lambda: _on_path("pip3", python),
        lambda: _on_path("pip", python),
        lambda: _from_index(python, sources.either(), pins),
        lambda: _from_debian(python),
    ]
    for way in ways:
        pip = way()
        if pip is not None:
            command = (*pip, "install", "--quiet", "--no-input", *EXACTLY)
            return Installer("pip", command, sources.environment_for_pip(_base_environment()))
    raise Failed(
        "no pip: this Python has neither pip nor ensurepip, and no package index is configured to fetch it from; "
        "install Debian's package (apt install python3-venv), or uv, or set PIP_INDEX_URL to your package index"
    )


def _answers(command: Sequence[str]) -> bool:
    try:
        ran = subprocess.run(
            [*command], stdin=subprocess.DEVNULL, capture_output=True, env=_base_environment(), timeout=120
        )
    except OSError:
        return False
    return ran.returncode == 0


def _if_answers(pip: list[str]) -> list[str] | None:
    return pip if _answers([*pip, "--version"]) else None


def _by_ensurepip(python: Path) -> list[str] | None:
    return _if_answers([str(python), "-m", "pip"]) if _answers([str(python), "-m", "ensurepip"]) else None


def _from_wheels(python: Path, folder: Path) -> list[str] | None:
    for wheel in sorted(folder.glob("pip-*.whl"), reverse=True):
        return _if_answers([str(python), str(wheel / "pip")])
    return None


def _on_path(name: str, python: Path) -> list[str] | None:
    found = shutil.which(name)
    return _if_answers([found, "--python", str(python)]) if found else None


def _home(python: Path) -> Path:
    """Where a fetched pip stays: inside the private environment."""
    folder = python.parent.parent / "pip"
    folder.mkdir(exist_ok=True)
    return folder


def _from_debian(python: Path) -> list[str] | None:
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        return None
    with tempfile.TemporaryDirectory(dir=_home(python)) as work:
        fetched = subprocess.run(
            [apt, "download", "python3-pip-whl"], cwd=work, stdin=subprocess.DEVNULL, capture_output=True
        )
        if fetched.returncode != 0:
            return None
        for package in Path(work).glob("*.deb"):
            subprocess.run([dpkg, "-x", str(package), work], check=True)
        for wheel in (Path(work) / DEBIAN_WHEELS.relative_to("/")).glob("pip-*.whl"):
            shutil.copy(wheel, _home(python))
    return _from_wheels(python, _home(python))


# --------------------------------------------------------------------------------------- pip's wheel from an index


class _Anchors(html.parser.HTMLParser):
    """The links of a simple-index page (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [text for name, text in attrs if name == "href" and text]


def _from_index(python: Path, index: PackageIndex, pins: Path) -> list[str] | None:
    text = pins.read_text(encoding="utf-8")
    version = re.findall(r"^pip==([0-9.]+)", text, re.MULTILINE)[0]
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))
    wheel = f"pip-{version}-py3-none-any.whl"
    if not (_home(python) / wheel).is_file():
        content = _search(index, wheel, hashes)
        if content is None:
            return None
        (_home(python) / wheel).write_bytes(content)
    return _from_wheels(python, _home(python))


def _search(index: PackageIndex, wheel: str, hashes: set[str]) -> bytes | None:
    """The pinned wheel from the first source that has it; a file with another hash is not it."""
    pages = [base.rstrip("/") + "/pip/" for base in index.bases()]
    for page in [*pages, *index.links]:
        try:
            for link in _links(page, index):
                if urllib.parse.unquote(urllib.parse.urlsplit(link).path).endswith("/" + wheel):
                    content = _read(link, index)[0]
                    if hashlib.sha256(content).hexdigest() in hashes:
                        return content
        except (urllib.error.URLError, OSError, ValueError) as problem:
            print(f"tasks.py: no pip from a configured source: {_without_address(problem)}", file=sys.stderr)
    return None


def _links(page: str, index: PackageIndex) -> list[str]:
    folder = _folder(page)
    if folder is not None and not (folder / "index.html").is_file():
        return [path.absolute().as_uri() for path in folder.glob("pip-*.whl")]
    if folder is not None:
        page = (folder / "index.html").absolute().as_uri()
    content, address = _read(page, index)
    anchors = _Anchors()
    anchors.feed(content.decode("utf-8"))
    links = [urllib.parse.urljoin(address, link) for link in anchors.links]
    asked = urllib.parse.urlsplit(page)
    bare = asked.netloc.rpartition("@")[2]
    # An index's password goes with its own host's files, and with no other's.
    return [_with_host(link, asked.netloc) if urllib.parse.urlsplit(link).netloc == bare else link for link in links]


def _with_host(address: str, netloc: str) -> str:
    return urllib.parse.urlunsplit(urllib.parse.urlsplit(address)._replace(netloc=netloc))


def _folder(page: str) -> Path | None:
    parts = urllib.parse.urlsplit(page)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    return None if parts.scheme in {"http", "https"} else Path(page).expanduser()


def _read(address: str, index: PackageIndex) -> tuple[bytes, str]:
    """What stands at the address, and the address after redirections."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in {"http", "https", "file"}:
        raise ValueError(f"an index address must be http, https or file, not {parts.scheme!r}")
    request = urllib.request.Request(address)
    request.add_header("Accept", "text/html, application/octet-stream;q=0.9, */*;q=0.5")
    if parts.username is not None:
        word = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request = urllib.request.Request(_with_host(address, parts.netloc.rpartition("@")[2]))
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(word.encode()).decode())
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=index.certificates))
    ]
    if index.proxy:
        handlers.append(urllib.request.ProxyHandler({"http": index.proxy, "https": index.proxy}))
    with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as response:
        content: bytes = response.read(DOWNLOAD_BYTES_MAX + 1)
        if len(content) > DOWNLOAD_BYTES_MAX:
            raise ValueError(f"an answer of more than {DOWNLOAD_BYTES_MAX} bytes")
        return content, response.url


def _without_address(problem: Exception) -> str:
    """The reason alone: an address may hold a password."""
    return str(getattr(problem, "reason", problem) if isinstance(problem, urllib.error.URLError) else problem)
