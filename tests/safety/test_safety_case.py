"""The document says what the tests prove, no more and no less, and no control is without its test."""

from __future__ import annotations

from pathlib import Path

from tools import safety_case
from tools.safety_case import CONTROLS, DOCUMENT, HAZARDS, PARTLY, document, missing, proofs

PLANTED = '''
def test_c07_h48_a_name_may_carry_two() -> None:
    """C15, I1-I3: the first sentence.

    H60 is in another paragraph, which counts too."""


def test_without_a_number() -> None:
    """Nothing."""
'''


def test_every_control_and_hazard_has_a_test_and_the_document_is_up_to_date() -> None:
    found = proofs()
    assert missing(found) == []
    assert DOCUMENT.read_text(encoding="utf-8") == document(found), "python3 -m tools.safety_case"


def test_what_is_proved_in_part_is_listed() -> None:
    assert PARTLY.keys() <= {*CONTROLS, *HAZARDS}


def test_a_missing_test_is_told_by_number(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_planted.py").write_text(PLANTED)
    found = proofs(tmp_path)
    (proof,) = found
    assert proof.named == ("C7", "H48")
    assert proof.mentioned == ("C15", "I1", "I2", "I3", "H60")
    assert proof.says == "the first sentence."
    told = missing(found)
    assert "H60 has no test: name one test_h60_..." in told
    assert not [line for line in told if line.startswith(("C7 ", "H48 "))]
    assert safety_case.main(["--surprise"]) == 1
