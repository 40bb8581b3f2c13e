"""A pip fetched from an index is the pinned one or none; a machine without any way says so in one line."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import installer
from tools.environment import ROOT
from tools.index import Configured, Failed, PackageIndex
from tools.installer import find_pip

WHEEL = "pip-1.2.3-py3-none-any.whl"
CONTENT = b"the pinned wheel"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def simple_index(folder: Path, content: bytes) -> str:
    """A simple index (PEP 503) of one project in a folder; its address."""
    (folder / "files").mkdir(parents=True)
    (folder / "files" / WHEEL).write_bytes(content)
    (folder / "pip").mkdir()
    (folder / "pip" / "index.html").write_text(f'<a href="../files/{WHEEL}#sha256={"0" * 64}">{WHEEL}</a>')
    return folder.as_uri()


def test_the_pinned_wheel_is_found_whatever_the_page_says_of_its_hash(tmp_path: Path) -> None:
    index = PackageIndex(default=simple_index(tmp_path, CONTENT) + "/")
    assert installer._search(index, WHEEL, {DIGEST}) == CONTENT


def test_a_wheel_with_another_hash_is_passed_over_for_the_next_source(tmp_path: Path) -> None:
    forged, honest = simple_index(tmp_path / "a", b"forged"), simple_index(tmp_path / "b", CONTENT)
    assert installer._search(PackageIndex(default=forged), WHEEL, {DIGEST}) is None
    assert installer._search(PackageIndex(default=forged, extra=(honest,)), WHEEL, {DIGEST}) == CONTENT


def test_a_folder_of_wheels_will_do(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(CONTENT)
    assert installer._search(PackageIndex(links=(str(tmp_path),)), WHEEL, {DIGEST}) == CONTENT


def test_a_source_that_fails_is_told_without_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    honest = simple_index(tmp_path, CONTENT)
    index = PackageIndex(default="http://user:word@127.0.0.1:1/", extra=(honest,))
    assert installer._search(index, WHEEL, {DIGEST}) == CONTENT
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "refused" in told
    assert "word" not in told


class _Guarded(BaseHTTPRequestHandler):
    """An index, and files beside it, for who says the word."""

    def do_GET(self) -> None:
        word = "Basic " + base64.b64encode(b"user:p@ss").decode()
        if self.headers.get("Authorization") != word:
            self.send_error(401)
        elif self.path == "/simple/pip/":
            body = f'<a href="/files/{WHEEL}">x</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Say nothing: the test's output is pytest's."""


@pytest.fixture
def guarded() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Guarded)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_password_of_an_index_is_for_its_pages_and_its_files(guarded: str) -> None:
    index = PackageIndex(default=f"http://user:p%40ss@{guarded}/simple")
    assert installer._search(index, WHEEL, {DIGEST}) == CONTENT
    assert installer._search(PackageIndex(default=f"http://{guarded}/simple"), WHEEL, {DIGEST}) is None


def test_the_password_of_an_index_is_not_for_another_host(guarded: str, tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "index.html").write_text(f'<a href="http://{guarded}/files/{WHEEL}">x</a>')
    index = PackageIndex(default=tmp_path.as_uri(), extra=("http://user:p%40ss@localhost:1/simple",))
    assert installer._search(index, WHEEL, {DIGEST}) is None


def test_without_any_way_to_a_pip_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = tmp_path / "bin" / "python"
    nothing.parent.mkdir()
    pins = tmp_path / "pip.txt"
    pins.write_text(f"pip==1.2.3 \\\n    --hash=sha256:{DIGEST}\n")
    monkeypatch.setattr("sys.executable", str(nothing))
    monkeypatch.setattr(installer, "DEBIAN_WHEELS", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed) as failure:
        find_pip(nothing, Configured(), pins)
    line = str(failure.value)
    assert "\n" not in line
    assert all(remedy in line for remedy in ("apt install python3-venv", "or uv", "set PIP_INDEX_URL"))


def wheel(folder: Path, name: str, version: str, *metadata: str) -> str:
    """A wheel of one empty module in a folder; its SHA-256."""
    info = f"{name}-{version}.dist-info"
    said = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata]
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(said) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_exactly_the_pins_are_installed_though_an_extra_s_package_has_a_newer_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`asker` needs `asked[more]`, as pytest-cov needs `coverage[toml]`.

    Left to resolve, a pip of 2023 takes the newest of it and fails; every pip fails for what is asked and not pinned.
    """
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    extra = ("Provides-Extra: more", 'Requires-Dist: added ; extra == "more"')
    pins = {
        "asker==1.0": wheel(wheels, "asker", "1.0", "Requires-Dist: asked[more] >=1.0"),
        "asked==1.0": wheel(wheels, "asked", "1.0", *extra),
    }
    wheel(wheels, "asked", "2.0", *extra)
    requirements = tmp_path / "pins.txt"
    requirements.write_text("".join(f"{pin} --hash=sha256:{digest}\n" for pin, digest in pins.items()))
    place = tmp_path / "venv"
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    fetched = Path(sys.prefix) / "pip"  # where tasks.py keeps a pip that it had to fetch
    if fetched.is_dir():
        monkeypatch.setattr(installer, "DEBIAN_WHEELS", fetched)
    try:
        pip = find_pip(python, Configured(pip=PackageIndex(links=(str(wheels),))), ROOT / "requirements" / "pip.txt")
    except Failed:
        pytest.skip("there is no pip on this machine")
    resolving = tuple(word for word in pip.command if word != "--no-deps")
    assert not dataclasses.replace(pip, command=resolving).install(requirements), "pip would resolve: no test of ours"
    assert capfd.readouterr().err
    assert pip.install(requirements)
    asked = [str(python), "-c", "import asker, asked; print(asked.VERSION)"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "1.0\n"
