"""Writes the explorer of a run: `python -m scripts.explore CONFIG`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agents.config.experiment import Experiment
from agents.explore.code_part import code_part
from agents.explore.contents import ExplorerContents, MomentFacts
from agents.explore.dream_part import dream_part
from agents.explore.page_file import filled, page_html
from agents.explore.segments import ShownEpisodes
from agents.run.command import exact_command
from worldvae.autoencoders.encoder import Encoder
from worldvae.export.onnx_file import check_extra
from worldvae.files import atomic_write_text
from worldvae.rollouts import RolloutStore
from worldvae.versions import library_versions

EXPLORER = "explorer.html"

MOMENTS = 16
"""Held-out frames to choose from."""

CODE = (
    "Choose a real frame that the encoder was not trained on. Its latents are the sliders, in "
    "deviations of the training frames, those first that tell most."
)
DREAM = (
    "Nothing here is the environment: after a real frame, all that you see is what the dynamics "
    "imagine of your actions. Go back to any moment below the screen, and act otherwise."
)
PRIOR = "The prior is N(0, 1) of each latent: what the decoder draws where it knows nothing."
NO_PRIOR = "The objective has no prior; the spread of the training frames stands for it."


def write_explorer(experiment: Experiment, path: Path) -> None:
    """Write the page of the experiment's run, as far as its parts are made, to `path`.

    Raises ArtifactError without rollouts or an encoder, ConfigError without the extra for exports.
    """
    check_extra()
    encoder = Encoder.load(experiment.encoder_folder)
    shown = ShownEpisodes.of(RolloutStore(experiment.rollouts_folder))
    encoder.card.check_frame(shown.store.env.frame, str(shown.store.folder))
    moments = shown.moments(MOMENTS)
    code = code_part(encoder, shown, moments)
    dream = dream_part(experiment, encoder, shown, moments)
    contents = ExplorerContents(
        title=experiment.folder.resolve().name,
        env_id=encoder.card.env_id,
        split=shown.split,
        code=code.facts,
        moments=tuple(MomentFacts(episode=one.record.name, frame=one.frame) for one in moments),
        dream=None if dream is None else dream.facts,
        command=exact_command(),
        versions=library_versions(),
    )
    assets = *code.assets, *(() if dream is None else dream.assets)
    atomic_write_text(path, page_html(contents, _sections(contents), assets))


def _sections(contents: ExplorerContents) -> Iterator[str]:
    if contents.dream is not None:
        yield filled("dream.html", words=DREAM)
    prior = PRIOR if contents.code.has_prior else NO_PRIOR
    yield filled("code.html", words=CODE, prior=prior)
