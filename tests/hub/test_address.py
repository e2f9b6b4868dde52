"""Addresses on the hub, and what a listing may hold."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from worldvae.errors import ConfigError
from worldvae.hub.address import HubAddress, beside
from worldvae.hub.listing import HubListing


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://me/dots", HubAddress("me/dots")),
        ("hf://me/dots/", HubAddress("me/dots")),
        ("hf://me/dots@v1.0", HubAddress("me/dots", "v1.0")),
        ("hf://me/dots/encoder", HubAddress("me/dots", None, "encoder")),
        ("hf://me/dots@main/a/b", HubAddress("me/dots", "main", "a/b")),
    ],
)
def test_an_address_is_parsed_as_text_and_as_path(text: str, address: HubAddress) -> None:
    assert HubAddress.parse(text) == HubAddress.parse(Path(text)) == address
    assert HubAddress.parse(str(address)) == address


@pytest.mark.parametrize("path", ["runs/mine/encoder", "/hf:/a", "hf", "", "./hf://me/dots"])
def test_other_paths_are_of_this_machine(path: str) -> None:
    assert HubAddress.parse(path) is None
    assert beside(path) == Path(path)


@pytest.mark.parametrize(
    "path", ["hf://me", "hf://", "hf://me/../dots", "hf://me/a@b/../c", "hf://me/a b", "hf:///a/b"]
)
def test_a_wrong_address_says_what_was_expected(path: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(path)}: expected hf://USER/NAME, "):
        HubAddress.parse(path)


def test_what_is_made_of_a_download_is_put_into_the_working_directory() -> None:
    assert beside("hf://me/dots") == Path()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["../card.json"], "'../card.json' is no name inside a folder"),
        (["/card.json"], "'/card.json' is no name inside a folder"),
        (["a//card.json"], "'a//card.json' is no name inside a folder"),
        (["a\\card.json"], "has a character that not every disk takes"),
        (["card.json", "Card.json"], "'card.json' and 'Card.json' cannot lie on one disk"),
        (["A/a.json", "a/b.json"], "'A' and 'a/b.json' cannot lie on one disk"),
        (["a.json", "a.json/b.json"], "cannot lie on one disk"),
        (["a.json/b.json", "a.json"], "cannot lie on one disk"),
        (["model.bin"], "'model.bin' is no file that an encoder has"),
        (["model.zip"], "'model.zip' is no file that an encoder has"),
        (["model.pkl"], "'model.pkl' is no file that an encoder has"),
    ],
)
def test_a_listing_names_only_files_that_can_be_read_in_safety(
    files: list[str], message: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        listing(files)


def test_only_the_agent_of_a_repository_has_a_zip() -> None:
    folders = {".": "agent", "encoder": "encoder"}
    assert listing(["model_8.zip", "encoder/card.json"], folders).inside("encoder") == {
        "encoder/card.json": "0"
    }
    with pytest.raises(ValidationError, match=r"'encoder/a\.zip' is no file that an encoder has"):
        listing(["encoder/a.zip"], folders)
    with pytest.raises(ValidationError, match=r"'a\.json' lies in no folder that is listed"):
        listing(["a.json"], {"encoder": "encoder"})


def test_a_listing_of_another_version_says_so() -> None:
    with pytest.raises(ValidationError, match="2, not 1, so another version of worldvae made it"):
        HubListing(format=2, folders={}, files={})


def listing(files: list[str], folders: Any = None) -> HubListing:
    return HubListing(
        format=1, folders=folders or {".": "encoder"}, files=dict.fromkeys(files, "0")
    )
