"""A sealed file shows that it was changed, and only then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from worldvae.checksum import (
    is_intact,
    read_checked,
    read_checked_as,
    read_checked_bytes,
    write_checked,
    write_checked_bytes,
)
from worldvae.config import Config
from worldvae.errors import WorldvaeError

VALUES = {"returns": [1.5, -0.25, 1e-17], "arm": "latent", "none": None, "big": 1e22}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_checked(tmp_path / "file.json", VALUES)
    return tmp_path / "file.json"


def rewrite(path: Path, values: object) -> None:
    path.write_text(json.dumps(values))


def test_it_is_plain_json_with_one_key_more(path: Path) -> None:
    values = json.loads(path.read_text())
    assert len(values.pop("sha256")) == 64
    assert values == VALUES
    assert read_checked(path, "") == VALUES


def test_neither_order_nor_spaces_matter(path: Path) -> None:
    rewrite(path, dict(reversed(json.loads(path.read_text()).items())))
    assert read_checked(path, "") == VALUES
    assert is_intact(path)


@pytest.mark.parametrize(
    "change",
    [
        {"returns": [1.5, 0.25, 1e-17]},
        {"seed": 0},
        {"none": 0},
        {"sha256": "0" * 64},
        {"sha256": None},
    ],
)
def test_what_was_edited_is_one_line_with_the_remedy(path: Path, change: dict[str, object]) -> None:
    rewrite(path, {**json.loads(path.read_text()), **change})
    assert not is_intact(path)
    with pytest.raises(WorldvaeError) as told:
        read_checked(path, "delete it")
    assert str(told.value) == f"{path}: damaged, or edited since it was written; delete it"


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"3", b"\xff{}", b"[" * 100_000, b"{}"])
def test_what_is_no_sealed_json_is_one_line(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(WorldvaeError, match=r"file\.json: damaged, or edited"):
        read_checked(path, "")


def test_a_missing_file_is_none_that_is_sealed(tmp_path: Path) -> None:
    assert not is_intact(tmp_path / "none.json")
    with pytest.raises(WorldvaeError, match=r"none\.json: No such file"):
        read_checked(tmp_path / "none.json", "")


class Model(Config):
    arm: str
    returns: tuple[float, ...]


@dataclass(frozen=True)
class Part:
    arm: str


def test_it_is_read_as_a_model_or_as_a_dataclass(tmp_path: Path, path: Path) -> None:
    model = Model(arm="pixels", returns=(1.0,))
    write_checked(tmp_path / "model.json", model)
    assert read_checked_as(tmp_path / "model.json", Model, "") == model
    assert read_checked_as(path, Part, "") == Part("latent")
    with pytest.raises(WorldvaeError, match=r"file\.json: none: no such key; again"):
        read_checked_as(path, Model, "again")


def test_every_flipped_bit_of_other_files_is_seen(tmp_path: Path) -> None:
    path, content = tmp_path / "file", b"key: value\n"
    write_checked_bytes(path, content)
    whole = path.read_bytes()
    assert read_checked_bytes(path, "") == content
    assert yaml.safe_load(whole) == {"key": "value"}
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(WorldvaeError, match=r"file: damaged, or edited .*; remove it"):
            read_checked_bytes(path, "remove it")
    for data in (b"", whole[:-1], whole[1:], whole + b"\n", content):
        path.write_bytes(data)
        with pytest.raises(WorldvaeError, match="damaged"):
            read_checked_bytes(path, "")
