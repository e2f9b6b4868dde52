"""Which software made a result."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from worldvae.versions import PACKAGES, git_commit, library_versions

NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *NOBODY, *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    root = tmp_path.resolve() / "checkout"
    (root / "package").mkdir(parents=True)
    (root / "package" / "code.py").write_text("1\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "first")
    git_commit.cache_clear()
    return root


def test_a_checkout_has_a_commit(checkout: Path) -> None:
    assert git_commit(checkout) == git(checkout, "rev-parse", "--short", "HEAD")


def test_changed_files_are_told(checkout: Path) -> None:
    (checkout / "package" / "code.py").write_text("2\n")
    assert git_commit(checkout) == git(checkout, "rev-parse", "--short", "HEAD") + "-dirty"


def test_a_folder_of_somebody_elses_checkout_has_none(checkout: Path) -> None:
    assert git_commit(checkout / "package") is None


def test_without_a_checkout_or_git_there_is_none(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git_commit(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit(checkout) is None


def test_every_package_is_named() -> None:
    versions = library_versions()
    assert set(versions) - {"worldvae commit"} == {"python", *PACKAGES}
    assert versions["torch"][0].isdigit()
