"""The build of onnxruntime-web that pages carry: files of its npm package, compressed."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from pydantic import Field

from worldvae.errors import ArtifactError
from worldvae.json_files import Content

FOLDER = Path(__file__).parent / "runtime"
PINS = FOLDER / "runtime.json"
LICENSE = FOLDER / "LICENSE"

SCRIPT, MODULE, WASM = (
    "ort.wasm.min.js",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)


class RuntimePins(Content):
    """The content of runtime.json: which package the files are of."""

    package: str = Field(description="Its name at npm.")
    version: str = Field(description="Its version.")
    license: str = Field(description="Its licence, of which the text lies beside.")
    tarball_sha256: str = Field(description="Hash of the package's tarball.")
    files: dict[str, str] = Field(description="Path in the tarball -> hash of the file.")


def pins() -> RuntimePins:
    """Return what runtime.json says."""
    return RuntimePins.model_validate_json(PINS.read_text(encoding="utf-8"))


def runtime_file(name: str) -> bytes:
    """Return one of the files; ArtifactError if it is not that of the pinned package."""
    path = FOLDER / f"{name}.gz"
    data = gzip.decompress(path.read_bytes())
    if hashlib.sha256(data).hexdigest() != pins().files[f"package/dist/{name}"]:
        raise ArtifactError(f"{path}: not the file of the pinned package; restore it with git")
    return data
