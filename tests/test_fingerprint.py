"""What something was made with is told apart from what is wanted now, key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from worldvae.errors import ArtifactError
from worldvae.fingerprint import Fingerprint, flatten

MADE = {"env": {"id": "Dots", "frame": {"width": 64}}, "seed": 0, "beta": 1e-05, "crop": None}


def test_keys_of_sections_are_dotted() -> None:
    assert flatten(MADE) == {
        "env.id": "Dots",
        "env.frame.width": 64,
        "seed": 0,
        "beta": 1e-05,
        "crop": None,
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    Fingerprint(MADE).write(tmp_path / "settings.yaml")
    assert Fingerprint.read(tmp_path / "settings.yaml") == Fingerprint(MADE)
    Fingerprint(MADE).check_file(tmp_path / "settings.yaml")
    Fingerprint(MADE).check_file(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "seed = 0, now it is 1"),
        ({"env": {"id": "Dots", "frame": {"width": 32}}}, "env.frame.width = 64, now it is 32"),
        ({"crop": 3}, "crop = null, now it is 3"),
        ({"sigma": None}, "no sigma, now it is null"),
        ({"crop": [3, None]}, "crop = null, now it is [3, null]"),
        ({"crop": [{"held": True, "by": "me"}]}, "crop = null, now it is [{held: true, by: 'me'}]"),
        ({"beta": float("-inf")}, "beta = 1e-05, now it is -.inf"),
        ({"env": {"id": "Dots"}}, "env.frame.width = 64, now it is not there"),
    ],
)
def test_the_first_key_that_differs_is_named_with_both_values(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError) as caught:
        Fingerprint({**MADE, **changes}).check(Fingerprint(MADE), tmp_path, "name another")
    assert str(caught.value) == f"{tmp_path} was made with {words}; name another"


def test_what_was_edited_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    Fingerprint(MADE).write(path)
    path.write_bytes(path.read_bytes().replace(b"64", b"65"))
    with pytest.raises(ArtifactError, match=r"settings\.yaml: damaged, or edited .* delete it if"):
        Fingerprint(MADE).check_file(path)


def test_a_folder_is_for_the_settings_that_claimed_it_first(tmp_path: Path) -> None:
    for _ in range(2):
        Fingerprint(MADE).claim(tmp_path)
    with pytest.raises(ArtifactError, match="seed = 0, now it is 1"):
        Fingerprint({**MADE, "seed": 1}).claim(tmp_path)
    assert Fingerprint.read(tmp_path / "made_with.yaml") == Fingerprint(MADE)
