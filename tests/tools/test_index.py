"""Where packages come from is read from pip's and uv's own settings; each lends to the other what that one lacks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.index import Failed, configured


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose files are all inside a temporary home (the machine's own are read too, if it has any)."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "XDG_CONFIG_HOME": str(tmp_path / "cfg")}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_nothing_told_is_nothing_known(home: dict[str, str]) -> None:
    found = configured(home | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"})
    assert not found.pip.told
    assert not found.uv.told
    assert list(found.either().bases()) == []
    assert "PIP_INDEX_URL" not in found.environment_for_pip({})
    assert "UV_DEFAULT_INDEX" not in found.environment_for_uv({})


def test_pip_files_yield_to_the_nearer_one_and_to_the_environment(home: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "xdg" / "pip" / "pip.conf", "[global]\nindex-url = file:///far\n")
    write(
        tmp_path / "cfg" / "pip" / "pip.conf",
        "[global]\nindex_url = file:///near\ncert = /near.pem\n[install]\nfind-links = /w\n",
    )
    assert configured(home).pip.default == "file:///near"
    assert configured(home).pip.certificates == "/near.pem"
    assert configured(home).pip.links == ("/w",)
    write(tmp_path / "named.conf", "[global]\nindex-url = file:///named\n")
    named = home | {"PIP_CONFIG_FILE": str(tmp_path / "named.conf")}
    assert configured(named).pip.default == "file:///named"
    assert configured(named | {"PIP_INDEX_URL": "file:///env"}).pip.default == "file:///env"


def test_several_extra_indexes_stand_on_several_lines(home: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "cfg" / "pip" / "pip.conf", "[global]\nextra-index-url =\n    file:///a\n    file:///b\n")
    assert configured(home).pip.extra == ("file:///a", "file:///b")
    assert list(configured(home).either().bases()) == ["file:///a", "file:///b"]


def test_no_index_means_links_alone(home: dict[str, str]) -> None:
    told = configured(home | {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "file:///i", "PIP_FIND_LINKS": "/w"}).pip
    assert (told.default, told.extra, told.links) == (None, (), ("/w",))


def test_uv_file_and_environment(home: dict[str, str], tmp_path: Path) -> None:
    write(
        tmp_path / "cfg" / "uv" / "uv.toml",
        '[[index]]\nname = "m"\nurl = "file:///main"\ndefault = true\n[[index]]\nurl = "file:///more"\n',
    )
    assert configured(home).uv.default == "file:///main"
    assert configured(home).uv.extra == ("file:///more",)
    assert configured(home | {"UV_DEFAULT_INDEX": "mine=file:///env"}).uv.default == "file:///env"
    assert configured(home | {"UV_NO_CONFIG": "1"}).uv.default is None


def test_each_tool_lends_to_the_other_only_what_that_one_was_not_told() -> None:
    pip = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "PIP_INDEX_URL": "file:///p", "PIP_FIND_LINKS": "/w /v"}
    lent = configured(pip).environment_for_uv(pip)
    assert lent["UV_DEFAULT_INDEX"] == "file:///p"
    assert lent["UV_FIND_LINKS"] == "/w,/v"
    both = pip | {"UV_DEFAULT_INDEX": "file:///u"}
    kept = configured(both).environment_for_uv(both)
    assert kept["UV_DEFAULT_INDEX"] == "file:///u"
    assert "UV_FIND_LINKS" not in kept
    uv = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": "file:///u", "UV_INDEX": "file:///v"}
    lent = configured(uv).environment_for_pip(uv)
    assert (lent["PIP_INDEX_URL"], lent["PIP_EXTRA_INDEX_URL"]) == ("file:///u", "file:///v")


def test_certificates_and_proxy_reach_uv_without_overruling_its_own() -> None:
    env = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "PIP_CERT": "/c.pem", "PIP_PROXY": "proxy:3128"}
    lent = configured(env).environment_for_uv(env)
    assert (lent["SSL_CERT_FILE"], lent["HTTPS_PROXY"]) == ("/c.pem", "proxy:3128")
    own = env | {"SSL_CERT_FILE": "/own.pem", "HTTPS_PROXY": "own:1"}
    kept = configured(own).environment_for_uv(own)
    assert (kept["SSL_CERT_FILE"], kept["HTTPS_PROXY"]) == ("/own.pem", "own:1")


@pytest.mark.parametrize(("file", "text"), [("pip/pip.conf", "index-url = x\n"), ("uv/uv.toml", "index-url =\n")])
def test_settings_that_cannot_be_read_are_named_in_one_line(
    home: dict[str, str], tmp_path: Path, file: str, text: str
) -> None:
    write(tmp_path / "cfg" / file, text)
    with pytest.raises(Failed, match=file) as failure:
        configured(home)
    assert "\n" not in str(failure.value)
