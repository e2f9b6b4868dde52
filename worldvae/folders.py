"""The kinds of folders that worldvae makes, told by their files, for the line on a wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from worldvae.checksum import CHECKSUM
from worldvae.errors import ArtifactError
from worldvae.files import user_errors
from worldvae.jsonl import checked_lines

KindName = Literal["encoder", "dynamics", "agent", "rollouts", "run", "gap", "sweep", "check"]


DAMAGED = object()
"""Stands for the content of a file that is no JSON."""


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder.

    Args:
        words: What such a folder holds.
        place: What such a folder is for.
        made_by: The command that makes one.
        marks: Patterns of names that no other kind has.
        key: Files of JSON, and a key that is in no such file of another kind.
        files: The files without which it cannot be read, and what each is for: it ...
        begun: Pattern of the path of a file that is there from the beginning.
        inside: Patterns of the path of such a folder in the folders around it.
        remedy: What can be done if one is incomplete or damaged; "{folder}" stands for it.
    """

    words: str
    place: str
    made_by: str
    marks: tuple[str, ...]
    key: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    begun: str = ""
    inside: tuple[str, ...] = ()
    remedy: str = ""


def _again(script: str) -> str:
    """Return what can be done where `script` made the folder, or scripts.compare."""
    return (
        "copy the whole folder again, or remove {folder} and run again what made it "
        f"({script} or scripts.compare on its CONFIG)"
    )


KINDS: dict[KindName, FolderKind] = {
    "check": FolderKind(  # before dynamics, whose check leaves some of the same files
        "a check of dreams where an agent goes",
        "for people: open fidelity.html",
        "python -m scripts.fidelity CONFIG --arm ARM",
        ("rollouts_*",),
        inside=("fidelity",),
    ),
    "encoder": FolderKind(
        "an encoder",
        "for the key encoder of a CONFIG, and for LatentObservation",
        "python -m scripts.pretrain CONFIG",
        ("health.json", "reconstructions.png", "critic"),
        {"config.json": "autoencoder", "card.json": "latent_mean"},
        {
            "config.json": "says which network it is",
            "card.json": "says how its frames were made and how its latents are scaled",
            "model.safetensors": "holds its weights",
        },
        "made_with.yaml",
        ("encoder", "seed_*/encoder"),
        _again("scripts.pretrain"),
    ),
    "dynamics": FolderKind(
        "dynamics",
        "for gap.dynamics of a CONFIG, DreamVectorEnv.load and LatentObservation(..., dynamics=)",
        "python -m scripts.dynamics CONFIG",
        ("starts.safetensors", "codes/codes.jsonl", "fidelity.json"),
        {"config.json": "dynamics", "card.json": "action_repeat"},
        {
            "config.json": "says which network they are",
            "card.json": "says which encoder, actions and keys they were learnt on",
            "model.safetensors": "holds their weights",
        },
        "made_with.yaml",
        ("dynamics", "seed_*/dynamics"),
        _again("scripts.dynamics"),
    ),
    "agent": FolderKind(
        "an agent",
        "for scripts.play and scripts.export",
        "python -m scripts.train CONFIG",
        ("model_*.zip", "episodes.jsonl", "evaluations.jsonl"),
        {"card.json": "algorithm"},
        {"card.json": "says what it observes and which file holds its weights"},
        "seed_*/settings.yaml",
        ("seed_*", "*/seed_*", "agents/*/seed_*", "seed_*/agents/*/seed_*"),
        _again("scripts.train"),
    ),
    "rollouts": FolderKind(
        "rollouts",
        "for RolloutStore, and for rollouts= of a dream",
        "python -m scripts.collect CONFIG",
        ("env.json", "manifest.jsonl", "*.frames.npy"),
        files={"env.json": "says of which environment its frames are"},
        inside=("rollouts", "seed_*/rollouts"),
        remedy="restore it, or run scripts.collect on their CONFIG again, which writes it anew",
    ),
    "gap": FolderKind(
        "a gap report",
        "for people: open gap.html",
        "python -m scripts.gap CONFIG",
        ("gap.json", "played.jsonl"),
        inside=("gap",),
    ),
    "sweep": FolderKind(
        "a sweep",
        "each folder inside holds an encoder",
        "python -m scripts.sweep CONFIG",
        ("sweep.json", "journal.log"),
        inside=("sweep",),
    ),
    "run": FolderKind(
        "a run",
        "for scripts.play and scripts.curves",
        "python -m scripts.compare CONFIG",
        (
            *("rollouts/env.json", "encoder/config.json", "dynamics/config.json"),
            *("agents/*/seed_*", "seed_*/config.yaml", "seed_*/rollouts/env.json"),
        ),
    ),
}


def check_folder(folder: Path, name: KindName) -> None:
    """Raise ArtifactError unless `folder` is of the kind `name` and has the files it needs."""
    with user_errors(folder):
        found, wanted = kind_of(folder), KINDS[name]
        missing = next((file for file in wanted.files if not (folder / file).exists()), None)
        if found == name and missing is not None:
            raise ArtifactError(_incomplete(folder, wanted, missing))
        damaged = next((file for file in wanted.files if _is_damaged(folder / file)), None)
        if found is None and damaged is not None:
            remedy = wanted.remedy.format(folder=folder)
            raise ArtifactError(f"{folder / damaged}: damaged, it is no JSON; {remedy}")
        if found != name and (found is not None or missing is not None):
            raise wrong_folder(folder, name)


def check_no_other(folder: Path, *names: KindName) -> None:
    """Raise ArtifactError if `folder` is missing, or certainly of another kind than `names`."""
    with user_errors(folder):
        if not folder.is_dir() or kind_of(folder) not in {None, *names}:
            raise wrong_folder(folder, *names)


def wrong_folder(folder: Path, *names: KindName) -> ArtifactError:
    """Return the error that `folder` is none of the kinds `names`.

    It says what the folder holds and what that is for, and which folder may be meant.
    """
    found, wanted = kind_of(folder), KINDS[names[0]]
    one_of = " or ".join(KINDS[name].words for name in names)
    near = next((path for name in names for path in _nearby(folder, name)), None)
    meant = f"did you mean {near}?" if near else f"{wanted.made_by} makes {wanted.words}"
    if found is not None:
        what = f"holds {KINDS[found].words} ({KINDS[found].place}), not {one_of}"
    elif folder.is_dir():
        what = f"does not hold {one_of}"
    elif folder.suffix == ".zip" and folder.is_file():
        what = f"a file, not {one_of} (an agent of Stable-Baselines3 is given by its folder)"
    else:
        what = "a file, no folder" if folder.exists() else "no such folder"
    return ArtifactError(f"{folder}: {what}; {meant}")


def check_is_no_artifact(config: Path) -> None:
    """Raise ArtifactError if the file given for a CONFIG is JSON, or lines of it, of worldvae.

    It says what the file is a part of, and which CONFIG may be meant.
    """
    if not _is_written_by_us(config):
        return
    found = kind_of(config.parent)
    of_what = "" if found is None else f" for {KINDS[found].words}"
    runs = (folder for folder in config.parents[:6] if kind_of(folder) == "run")
    near = next((path for run in runs if (path := run / "config.yaml").is_file()), None)
    fix = f"did you mean {near}?" if near else "give a YAML file"
    raise ArtifactError(f"{config}: a file that worldvae wrote{of_what}, not a CONFIG; {fix}")


def kind_of(folder: Path) -> KindName | None:
    """Return the kind of a folder; None if nothing in it tells, or it does not exist."""
    for file in ("config.json", "card.json"):
        keys = _keys(folder / file)
        for name, kind in KINDS.items():
            if kind.key.get(file) in keys:
                return name
    for name, kind in KINDS.items():
        if any(any(folder.glob(mark)) for mark in kind.marks):
            return name
    return "agent" if _is_begun(folder, KINDS["agent"]) else None  # of others no place tells


def _incomplete(folder: Path, kind: FolderKind, missing: str) -> str:
    # The first of the files is written last but for result.json.
    is_open = missing == next(iter(kind.files)) and not (folder / "result.json").exists()
    if is_open and _is_begun(folder, kind):
        command = f"{kind.made_by}{_options(folder)}"
        return f"{folder}: not finished yet; if it was interrupted, it goes on by {command}"
    return (
        f"{folder / missing}: no such file, which {kind.files[missing]}; "
        f"{kind.remedy.format(folder=folder)}"
    )


def _is_begun(folder: Path, kind: FolderKind) -> bool:
    path = folder.resolve() / Path(kind.begun).name
    return bool(kind.begun) and path.match(kind.begun) and path.exists()


def _options(folder: Path) -> str:
    """Return the options that name the agent in ARM/seed_K; nothing for any other folder."""
    seed = re.fullmatch(r"seed_(\d+)", folder.resolve().name)
    return "" if seed is None else f" --arm {folder.resolve().parent.name} --seed {seed[1]}"


def _nearby(folder: Path, name: KindName) -> Iterator[Path]:
    """Yield folders of a kind inside and around `folder`, the nearest first."""
    for place in (folder, *folder.parents[:4]):
        for pattern in KINDS[name].inside:
            yield from (path for path in sorted(place.glob(pattern)) if kind_of(path) == name)
        if kind_of(place) == name:
            yield place


def _is_written_by_us(file: Path) -> bool:
    """Return whether `file` is of JSON, or of lines of it, with a checksum of worldvae."""
    if file.suffix == ".jsonl" and file.is_file():
        return any(row is not None for _, row in checked_lines(file))
    return file.suffix == ".json" and CHECKSUM in _keys(file)


def _keys(path: Path) -> set[str]:
    """Return the keys of a file of JSON; none if it is missing, damaged or no mapping."""
    values = _json(path)
    return set(values) if isinstance(values, dict) else set()


def _is_damaged(path: Path) -> bool:
    """Return whether a file that should be of JSON is there and is not."""
    return path.suffix == ".json" and path.is_file() and _json(path) is DAMAGED


def _json(path: Path) -> Any:
    """Return the content of a file of JSON; None if it is missing, `DAMAGED` if it is no JSON."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return DAMAGED
