"""Markup that cannot be injected into: text is escaped unless it was made here.

`el("td", symbol, class_="name")` escapes the symbol and every attribute; only what `el` itself returned, an `Html`,
goes in as it is.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

_VOID = frozenset({"meta", "br", "hr", "col"})


class Html(str):
    """A piece of markup."""

    __slots__ = ()


def text(value: object) -> Html:
    """Anything as escaped text; markup stays markup."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=True))


def join(*parts: object) -> Html:
    """Pieces in a row."""
    return Html("".join(map(text, parts)))


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. `class_` is `class`, `data_sort` is `data-sort`; an attribute of `None` or `False` is left out."""
    opened = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        plain = key.rstrip("_").replace("_", "-")
        opened += f" {plain}" if value is True else f' {plain}="{escape(str(value), quote=True)}"'
    if name in _VOID:
        return Html(f"<{opened}>")
    return Html(f"<{opened}>{join(*children)}</{name}>")


def data(value: Any, name: str) -> Html:
    """Data for the page's script, in a form that cannot end the element it stands in."""
    raw = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    safe = raw.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(name)}">{safe}</script>')
