"""Writes the explorer of a run: `python -m scripts.explore CONFIG`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.config.experiment import Experiment
from agents.explore.page_file import page_html
from agents.explore.parts import RunReader
from agents.explore.words import sections
from worldvae.export.onnx_file import check_onnx
from worldvae.files import atomic_write_text


def write_explorer(
    experiment: Experiment, path: Path, agents: Sequence[str] | None = None
) -> list[str]:
    """Write the page of the experiment's run, as far as its parts are made, to `path`.

    Args:
        agents: Agents that may play, as ARM/seed_K; None: one of each arm, as far as the page does
            not become too large.

    Returns a line for each part that was left out. Raises ArtifactError without rollouts or an
    encoder, or if an agent that is named cannot play, ConfigError without the extra for exports.
    """
    check_onnx()
    reader = RunReader.open(experiment)
    parts = reader.parts(agents)
    title, card = experiment.folder.resolve().name, reader.encoder.card
    contents = parts.contents(title, card.env_id, reader.shown.split)
    atomic_write_text(path, page_html(contents, sections(contents), parts.assets))
    return reader.skipped
