"""Key files: made once, for their owner only; signatures by the published vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedge.journal import KeyRefused, SigningKey, create_key, load_key, load_or_create_key, standalone
from kedge.journal.keys import public_key, signed_by

#: RFC 8032 section 7.1, tests 1 to 3: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize("seed,public,message,signature", VECTORS)
def test_signatures_are_those_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey(bytes.fromhex(seed))
    text, proof = bytes.fromhex(message), bytes.fromhex(signature)
    assert key.public.hex() == public
    assert key.sign(text) == proof
    for verifies in (signed_by, standalone.signed):
        assert verifies(key.public, text, proof)
        assert not verifies(key.public, text + b"x", proof)
        assert not verifies(key.public, text, proof[:-1] + bytes([proof[-1] ^ 1]))
        assert not verifies(key.public, text, bytes([proof[0] ^ 1]) + proof[1:])
        assert not verifies(bytes(31) + b"\xff", text, proof)


def test_s3_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.key"
    key = create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path).public == load_or_create_key(path).public == key.public
    with pytest.raises(KeyRefused, match="exists already"):
        create_key(path)
    assert load_or_create_key(tmp_path / "other.key").public != key.public


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o610])
def test_s3_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "journal.key"
    create_key(path)
    path.chmod(mode)
    with pytest.raises(KeyRefused, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize("text", [b"", b"abc", b"g" * 64, b"0" * 63, b"0" * 66, b"\xff" * 64])
def test_a_damaged_key_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "journal.key"
    path.touch(0o600)
    path.write_bytes(text)
    with pytest.raises(KeyRefused, match="64 hex digits"):
        load_key(path)
    with pytest.raises(KeyRefused, match="does not exist"):
        load_key(tmp_path / "absent")


def test_a_key_shows_its_fingerprint_only() -> None:
    seed = bytes(range(32))
    assert seed.hex() not in repr(SigningKey(seed))
    assert SigningKey(seed).fingerprint in repr(SigningKey(seed))
    for text in ("", "00", "x" * 64, "0" * 62, "0" * 66):
        with pytest.raises(KeyRefused, match="public key"):
            public_key(text)
