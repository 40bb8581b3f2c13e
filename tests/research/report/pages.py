"""A page taken apart: its tables as rows of cells, each with its text and its exact value."""

from __future__ import annotations

from html.parser import HTMLParser

from msgspec import Struct


class Cell(Struct):
    """What a cell shows, and the exact value that stands behind it."""

    text: str = ""
    exact: str = ""


class Page(HTMLParser):
    """Tables, headings and list items of a page, in order; `tags` are all that occur."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[Cell]]] = []
        self.headings: list[str] = []
        self.items: list[str] = []
        self.cards: dict[str, str] = {}
        self.tags: set[str] = set()
        self._into: list[str] = []
        self._term = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in {"meta", "br", "hr", "col"}:
            self._into.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append(Cell("", dict(attrs).get("data-sort") or ""))
        elif tag in {"h1", "h2", "h3"}:
            self.headings.append("")
        elif tag == "li":
            self.items.append("")
        elif tag == "dt":
            self._term = ""

    def handle_endtag(self, tag: str) -> None:
        while self._into and self._into.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._into:
            return
        if "td" in self._into or "th" in self._into:
            self.tables[-1][-1][-1].text += data
        elif self._into[-1] in {"h1", "h2", "h3"}:
            self.headings[-1] += data
        elif "li" in self._into:
            self.items[-1] += data
        elif self._into[-1] == "dt":
            self._term += data
        elif "dd" in self._into and self._term:
            self.cards.setdefault(self._term, data)

    def table(self, *columns: str) -> list[list[Cell]]:
        """The rows below the head of the table whose first columns are named so."""
        for rows in self.tables:
            if rows and tuple(cell.text for cell in rows[0])[: len(columns)] == columns:
                return rows[1:]
        raise AssertionError(f"no table begins with {columns}")

    def figure(self, name: str) -> str:
        """The value beside a name in one of the lists of figures."""
        found = [row[1].text for rows in self.tables for row in rows if len(row) == 2 and row[0].text == name]
        assert len(found) == 1, (name, found)
        return found[0]
