"""The folders seed_K of a run: of its agents, and of the runs that seeds have of their own."""

from __future__ import annotations

from pathlib import Path


def part_folders(run: Path) -> list[Path]:
    """Return the folders seed_K in which each seed has a run of its own, the smallest first."""
    return sorted(seed_folders(run), key=seed_of)


def seed_of(folder: Path) -> int:
    """Return the seed of a folder of `seed_folders`."""
    return int(folder.name[5:])


def seed_folders(folder: Path, arm: str = "") -> list[Path]:
    """Return the folders seed_K in `folder`, or in those of the pattern `arm` there."""
    pattern = f"{arm}/seed_*" if arm else "seed_*"
    return [path for path in folder.glob(pattern) if path.name[5:].isdecimal()]
