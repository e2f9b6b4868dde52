"""What is in Stable-Baselines3's zip of an agent."""

import base64
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any


class _Recorder(pickle.Unpickler):
    """Notes the package of everything that unpickling imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.packages: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.packages.add(module.split(".", maxsplit=1)[0])
        return super().find_class(module, name)


def packages_in(path: Path) -> set[str]:
    """The packages that have to be importable to load the agent in `path`."""
    data = json.loads(zipfile.ZipFile(path).read("data"))
    packages: set[str] = set()
    for value in data.values():
        if isinstance(value, dict) and ":serialized:" in value:
            recorder = _Recorder(base64.b64decode(value[":serialized:"]))
            recorder.load()
            packages |= recorder.packages
    return packages
