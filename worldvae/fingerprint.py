"""The settings that a folder was made with, stored in it and compared before it is used again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldvae.checksum import HEADER, read_checked_bytes, write_checked_yaml
from worldvae.errors import ArtifactError
from worldvae.fields import in_yaml
from worldvae.yaml_values import dump_yaml, parse_yaml

MADE_WITH = "made_with.yaml"
"""The file in the folder of a model: what it is made with."""

ANOTHER_FOLDER = "choose another folder, or delete this one to start again"


@dataclass(frozen=True)
class Fingerprint:
    """Settings by sections, in values of JSON: {"env": {"id": "Dots"}, "seed": 0}.

    They are stored as YAML with a checksum in its last line.
    """

    sections: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Fingerprint:
        """Read what `write` wrote; raise ArtifactError if the file was changed since."""
        made = path.parent
        remedy = f"restore it, or delete it if {made} was made with these settings"
        text = read_checked_bytes(path, remedy).removeprefix(HEADER).decode()
        return cls(parse_yaml(text) or {})

    def write(self, path: Path) -> None:
        """Write the settings to the file `path`, in one step."""
        write_checked_yaml(path, dump_yaml(dict(self.sections)))

    def check(
        self,
        made: Fingerprint,
        folder: Path,
        advice: str = ANOTHER_FOLDER,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise ArtifactError if `folder` was `made` with other settings than these.

        The message names the first key that differs, both of its values, and the `advice`. A key
        that `made` lacks, since it did not exist then, had its value in `defaults`, by its dotted
        name.
        """
        then, wanted = flatten(made.sections), flatten(self.sections)
        usual = defaults or {}
        then |= {key: usual[key] for key in wanted if key not in then and key in usual}
        for key in {**then, **wanted}:
            if key not in then or key not in wanted or then[key] != wanted[key]:
                raise ArtifactError(
                    f"{folder} was made with {_shown(then, key)}, now it is {_value(wanted, key)}; "
                    f"{advice}"
                )

    def check_file(self, path: Path) -> None:
        """Check the folder of `path` against the settings in that file; do nothing without one.

        Raises ArtifactError as `check` does.
        """
        if path.exists():
            self.check(Fingerprint.read(path), path.parent)

    def claim(self, folder: Path) -> None:
        """Note in `made_with.yaml` that `folder` is for these settings.

        Raises ArtifactError if it is for others.
        """
        path = folder / MADE_WITH
        self.check_file(path)
        if not path.exists():
            self.write(path)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested `values` with dotted keys: {"env": {"id": 1}} -> {"env.id": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def _shown(values: Mapping[str, Any], key: str) -> str:
    return f"{key} = {in_yaml(values[key])}" if key in values else f"no {key}"


def _value(values: Mapping[str, Any], key: str) -> str:
    return in_yaml(values[key]) if key in values else "not there"
