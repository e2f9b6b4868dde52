"""What the page carries is what was put in, and the runtime is that of the pinned package."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from agents.explore import runtime_files
from agents.explore.assets import ALPHABET, Asset, grouped, to_text
from agents.explore.runtime_files import pins, runtime_file
from worldvae.errors import ArtifactError


def test_four_bytes_are_five_characters() -> None:
    first, last = ALPHABET[0], ALPHABET[84]
    assert to_text(b"") == first
    assert to_text(b"\0\0\0\1") == first + first * 4 + ALPHABET[1]
    assert to_text(b"\xff\xff\xff\xff") == first + "".join(ALPHABET[d] for d in (82, 23, 54, 12, 0))
    assert to_text(b"\1") == ALPHABET[3] + to_text(b"\1\0\0\0")[1:]
    assert len(set(ALPHABET)) == len(ALPHABET) == 85
    assert last != "<"


def test_bytes_of_one_weight_are_put_together() -> None:
    assert grouped(b"abcdABCDxy", 4) == b"aAbBcCdDxy"
    assert grouped(b"abc", 1) == b"abc"
    assert grouped(b"abc", 4) == b"abc"


def test_grouping_makes_weights_smaller() -> None:
    weights = np.random.default_rng(0).normal(0, 0.05, 100_000).astype(np.float32)
    alone, together = (len(Asset("x", weights.tobytes(), width=w).html) for w in (1, 4))
    assert together < 0.93 * alone


def test_the_runtime_is_that_of_the_pinned_files() -> None:
    for path, expected in pins().files.items():
        data = runtime_file(path.rpartition("/")[2])
        assert hashlib.sha256(data).hexdigest() == expected
    assert "MIT License" in runtime_files.LICENSE.read_text()


def test_another_runtime_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ort.wasm.min.js.gz").write_bytes(gzip.compress(b"alert(1)"))
    monkeypatch.setattr(runtime_files, "FOLDER", tmp_path)
    with pytest.raises(ArtifactError, match=r"ort\.wasm\.min\.js\.gz: not the file of the pinned"):
        runtime_file("ort.wasm.min.js")


def test_the_pinned_files_are_those_of_npm(tmp_path: Path) -> None:
    npm, wanted = shutil.which("npm"), f"{pins().package}@{pins().version}"
    if npm is None:
        pytest.skip("needs npm")
    try:
        subprocess.run(
            [npm, "pack", "--silent", "--fetch-retries=0", wanted],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=60,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm does not answer")
    (tarball,) = tmp_path.glob("*.tgz")
    assert hashlib.sha256(tarball.read_bytes()).hexdigest() == pins().tarball_sha256
    with tarfile.open(tarball) as packed:
        for path, expected in pins().files.items():
            member = packed.extractfile(path)
            assert member is not None
            assert hashlib.sha256(member.read()).hexdigest() == expected
