"""A pip fetched from an index is the pinned one or none; a machine without any way says so in one line."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import installer
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
