"""Vectors of the venues: what others published of their wire protocols, held against our protocol code.

    python -m tests.venue_vectors DIR [FILE ...]

runs every `*.json` of DIR (formats: `../shared/venues/vectors/README.md`) and prints what passed, failed and was not
applicable, and why, a file; it exits with 1 where a case failed. Which handler a case gets follows from the format of
its file (the first words of its name) and the venue (of the case, of the file or of its name), never from the case
itself, so that files which nobody here has seen run as well.

A venue's handlers are the `HANDLERS` of `tests/venue_vectors/<venue>.py`: a function for each format that takes a `Case`
and returns when our code agrees, raises `NotApplicable(reason)` where Kedge has no business with it, and lets anything
else (an `AssertionError` above all) fail the case.
"""

from __future__ import annotations

from tests.venue_vectors.runner import (
    FORMATS,
    VENUES,
    Case,
    FileResult,
    Handler,
    NotApplicable,
    run_directory,
    run_file,
)

__all__ = ["FORMATS", "VENUES", "Case", "FileResult", "Handler", "NotApplicable", "run_directory", "run_file"]
