"""Addresses of folders on the Hugging Face hub, such as hf://user/name@v1/encoder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from worldvae.errors import ConfigError

ROOT = "."
"""The folder of a repository that is the repository itself."""

NAME = r"\w[\w.-]*"
# A `Path` keeps one slash of the two.
ADDRESS = re.compile(rf"hf:/{{1,2}}({NAME}/{NAME})(?:@(\w[\w.+-]*))?(?:/({NAME}(?:/{NAME})*))?/?")


@dataclass(frozen=True)
class HubAddress:
    """A folder of a repository on the hub.

    Args:
        repo_id: The repository, as user/name.
        revision: A branch, a tag or a commit; None: the newest commit.
        folder: The folder inside the repository, such as encoder; ".": the repository itself.
    """

    repo_id: str
    revision: str | None = None
    folder: str = ROOT

    @classmethod
    def parse(cls, path: str | Path) -> HubAddress | None:
        """Return the address that `path` is; None if it is a path of this machine.

        Raises ConfigError if it begins as an address and is none.
        """
        if not is_on_hub(path):
            return None
        found = ADDRESS.fullmatch(str(path))
        if not found:
            raise ConfigError(
                f"{path}: expected hf://USER/NAME, hf://USER/NAME@REVISION or "
                "hf://USER/NAME/FOLDER, REVISION a branch without a slash, a tag or a commit"
            )
        repo_id, revision, folder = found.groups()
        return cls(repo_id, revision, folder or ROOT)

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        folder = "" if self.folder == ROOT else f"/{self.folder}"
        return f"hf://{self.repo_id}{revision}{folder}"


def is_on_hub(path: str | Path) -> bool:
    """Return whether `path` begins as an address on the hub does."""
    return str(path).startswith("hf:/")


def beside(path: str | Path) -> Path:
    """Return the folder for what is made of the folder `path`: itself, or ./ if it is on the hub.

    A download is shared by all programs of this machine, so nothing is written into it.
    """
    return Path() if is_on_hub(path) else Path(path)
