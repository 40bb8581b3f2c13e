from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kedge.model.errors import DataError
from kedge.storage import source
from kedge.storage.source import FileKind, kind_of, text_blocks


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"a,b\n1,2\n", FileKind.TEXT),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), FileKind.GZIP),
        (b"PAR1....PAR1", FileKind.PARQUET),
    ],
)
def test_the_kind_is_told_by_content_whatever_the_name(tmp_path: Path, content: bytes, kind: FileKind) -> None:
    for name in ("data.csv", "data.csv.gz", "data.parquet", "data"):
        path = tmp_path / name
        path.write_bytes(content)
        assert kind_of(path) is kind


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04zip", "a zip archive; unpack"),
        (b"\x28\xb5\x2f\xfdzstd", "zstd compressed"),
        (b"\xfd7zXZ\x00xz", "xz compressed"),
        (b"BZh9", "bzip2 compressed"),
        ("time,open".encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (b"abc\0def", "holds binary data"),
    ],
)
def test_other_kinds_of_files_are_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        kind_of(path)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory"):
        kind_of(tmp_path)
    with pytest.raises(DataError, match="is not a file; check the path"):
        kind_of(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"cannot be read|is not a file"):
        kind_of(Path("a\0b"))
    with pytest.raises(DataError, match=r"cannot be read|is not a file"):
        kind_of(tmp_path / ("x" * 5000))


@pytest.mark.parametrize("size", [1, 3, 7, 16, 1000])
@pytest.mark.parametrize("compressed", [False, True])
def test_blocks_are_whole_lines_that_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, compressed: bool
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", size)
    text = b"".join(b"%d,%d\n" % (at, at * at) for at in range(200)) + b"last,line"
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(text) if compressed else text)
    blocks = list(text_blocks(path, kind_of(path)))
    assert b"".join(blocks) == text + b"\n"
    assert all(block.endswith(b"\n") for block in blocks)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"\xef\xbb\xbftime,open\n")
    assert list(text_blocks(path, FileKind.TEXT)) == [b"time,open\n"]


def test_a_file_without_line_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(b"1" * 50_000_000))
    with pytest.raises(DataError, match="line longer than"):
        list(text_blocks(path, FileKind.GZIP))


def test_cut_and_damaged_gzip_is_said(tmp_path: Path) -> None:
    whole = gzip.compress(b"time,open\n" * 1000)
    path = tmp_path / "data"
    for content, complaint in ((whole[:-9], "is cut off"), (whole[:12] + b"junk" + whole[16:], "damaged gzip")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=complaint):
            list(text_blocks(path, FileKind.GZIP))
