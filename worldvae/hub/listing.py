"""`worldvae.json`, which says what a repository on the hub holds: folders, files, hashes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from worldvae.fields import known_format
from worldvae.folders import KINDS
from worldvae.hub.address import ROOT
from worldvae.json_files import Content, JsonFile

FORMAT = 1

HubKind = Literal["encoder", "dynamics", "agent"]

ARTICLES: dict[HubKind, str] = {kind: KINDS[kind].words for kind in get_args(HubKind)}
"""Each kind of folder in a sentence."""

PLAIN = frozenset({".json", ".jsonl", ".safetensors", ".yaml", ".webm"})
"""Endings of files that are read without running anything in them."""

PICKLED = ".zip"
"""The ending of Stable-Baselines3's file, which only an agent has."""


class HubListing(Content):
    """The content of `worldvae.json`."""

    format: Annotated[int, known_format(FORMAT)] = Field(description="Version of this layout.")
    folders: dict[str, HubKind] = Field(description='Folder -> what it holds; ".": the repository.')
    files: dict[str, str] = Field(description="Name in the repository -> SHA-256.")

    @field_validator("files")
    @classmethod
    def _can_lie_on_a_disk(cls, files: dict[str, str]) -> dict[str, str]:
        taken = dict[str, str]()
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or str(path) != name or {"..", "."} & set(path.parts):
                raise ValueError(f"{name!r} is no name inside a folder")
            if "\\" in name or ":" in name:
                raise ValueError(f"{name!r} has a character that not every disk takes")
            for part in (path, *path.parents[:-1]):
                # Some disks take A and a for one name.
                known = taken.setdefault(str(part).casefold(), str(part))
                if known != str(part) or (part != path and known in files):
                    raise ValueError(f"{known!r} and {name!r} cannot lie on one disk")
        return files

    @model_validator(mode="after")
    def _holds_no_more_than_is_read(self) -> HubListing:
        for name in self.files:
            kind, suffix = self._kind_around(name), PurePosixPath(name).suffix
            if suffix not in PLAIN and (kind, suffix) != ("agent", PICKLED):
                raise ValueError(f"{name!r} is no file that {ARTICLES[kind]} has")
        return self

    def inside(self, folder: str) -> dict[str, str]:
        """Return name in the repository -> SHA-256 for the files in `folder` and below."""
        return {name: digest for name, digest in self.files.items() if _is_inside(name, folder)}

    def _kind_around(self, name: str) -> HubKind:
        """Return what the innermost listed folder around a file holds."""
        around = [folder for folder in self.folders if _is_inside(name, folder)]
        if not around:
            raise ValueError(f"{name!r} lies in no folder that is listed")
        return self.folders[max(around, key=lambda folder: len(PurePosixPath(folder).parts))]


def listing_of(folders: dict[str, HubKind], hashes: Iterable[tuple[str, str]]) -> HubListing:
    """Return the listing of files with these hashes."""
    return HubListing(format=FORMAT, folders=folders, files=dict(hashes))


def _is_inside(name: str, folder: str) -> bool:
    return folder == ROOT or name.startswith(f"{folder}/")


LISTING = JsonFile("worldvae.json", HubListing, "push the folder again, or name another revision")
