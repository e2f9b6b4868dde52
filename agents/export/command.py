"""What `scripts.export` does, and says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from agents.export.agent import export_agent
from agents.export.check import check
from worldvae.errors import ConfigError
from worldvae.export.dynamics import export_dynamics
from worldvae.export.encoder import export_encoder
from worldvae.export.signature import ExportCard

EXPORTS: dict[str, Callable[[Path, Path], ExportCard]] = {
    "agent": export_agent,
    "encoder": export_encoder,
    "dynamics": export_dynamics,
}


def export(kind: str, folder: Path, path: Path, episodes: int = 0) -> Iterator[str]:
    """Write `folder` to `path`, and yield lines on the file; an agent plays `episodes` to check it.

    Raises ConfigError for another ending than .onnx, or for episodes of what cannot play.
    """
    if path.suffix != ".onnx":
        raise ConfigError(f"--out {path}: give it a name in .onnx")
    if episodes < 0 or (episodes and kind != "agent"):
        raise ConfigError(f"--check {episodes}: a number of episodes, which an agent plays")
    card = EXPORTS[kind](folder, path)
    for title, specs in (("takes", card.inputs), ("gives", card.outputs)):
        for spec in specs:
            shape = ", ".join(map(str, ("N", *spec.shape)))
            yield f"{title} {spec.name} ({shape}) {spec.dtype}: {spec.meaning}"
    if episodes:
        yield check(folder, path, episodes).text
    yield f"{path}: {path.stat().st_size / 1e6:.2f} MB"
