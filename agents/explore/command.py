"""Writes the explorer of a run: `python -m scripts.explore CONFIG`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agents.config.experiment import Experiment
from agents.explore.agent_part import AgentPart, DreamedBy, agent_parts, first_agents
from agents.explore.assets import Asset
from agents.explore.code_part import code_part
from agents.explore.contents import ExplorerContents, MomentFacts
from agents.explore.dream_part import DreamPart, dream_part
from agents.explore.page_file import filled, page_html
from agents.explore.segments import HeldOutFrame, ShownEpisodes
from agents.explore.twin_part import TwinPart, twin_parts
from agents.run.command import exact_command
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import WorldvaeError
from worldvae.export.onnx_file import check_extra
from worldvae.files import atomic_write_text
from worldvae.rollouts import RolloutStore
from worldvae.versions import library_versions

EXPLORER = "explorer.html"

MOMENTS = 16
"""Held-out frames to choose from."""

RUNTIME_SIZE = 4_800_000
"""Bytes of the runtime, the scripts and the styles in a page."""

LARGEST = 15_000_000
"""Bytes of a page, above which agents are left out that nobody has named."""

CODE = (
    "Choose a real frame that the encoder was not trained on. Its latents are the sliders, in "
    "deviations of the training frames, those first that tell most."
)
DREAM = (
    "Nothing here is the environment: after a real frame, all that you see is what the dynamics "
    "imagine of your actions. Go back to any moment below the screen, and act otherwise."
)
TWIN = (
    "A held-out episode as it was recorded, and a dream that begins at the same frame and is told "
    "the same actions. A dream is one draw: it need not show the same, but the like of it. The "
    "page holds no environment, so that the real side was recorded when it was made."
)
PRIOR = "The prior is N(0, 1) of each latent: what the decoder draws where it knows nothing."
NO_PRIOR = "The objective has no prior; the spread of the training frames stands for it."


def write_explorer(
    experiment: Experiment, path: Path, agents: Sequence[str] | None = None
) -> list[str]:
    """Write the page of the experiment's run, as far as its parts are made, to `path`.

    Args:
        agents: Agents that may play, as ARM/seed_K; None: one of each arm, as far as the page does
            not become too large.

    Returns a line for each part that was left out. Raises ArtifactError without rollouts or an
    encoder, ConfigError without the extra for exports.
    """
    check_extra()
    encoder = Encoder.load(experiment.encoder_folder)
    shown = ShownEpisodes.of(RolloutStore(experiment.rollouts_folder))
    encoder.card.check_frame(shown.store.env.frame, str(shown.store.folder))
    moments, skipped = shown.moments(MOMENTS), list[str]()
    code = code_part(encoder, shown, moments)
    dream = _dream(experiment, encoder, shown, moments, skipped)
    assets = [*code.assets, *(() if dream is None else dream.assets)]
    playing, twins = list[AgentPart](), list[TwinPart]()
    if dream is not None:
        twins = twin_parts(encoder, shown, dream.card, experiment.dream.burn_in)
        assets += [asset for twin in twins for asset in twin.assets]
        folders = _agent_folders(experiment, agents)
        seen = DreamedBy.of(encoder, dream, experiment)
        found = agent_parts(folders, seen, skipped)
        playing = [*found] if agents else [*_fitting(found, assets, skipped)]
    contents = ExplorerContents(
        title=experiment.folder.resolve().name,
        env_id=encoder.card.env_id,
        split=shown.split,
        code=code.facts,
        moments=tuple(MomentFacts(episode=one.record.name, frame=one.frame) for one in moments),
        dream=None if dream is None else dream.facts,
        agents=tuple(part.facts for part in playing),
        twins=tuple(twin.facts for twin in twins),
        command=exact_command(),
        versions=library_versions(),
    )
    assets += [part.asset for part in playing]
    atomic_write_text(path, page_html(contents, _sections(contents), assets))
    return skipped


def _dream(
    experiment: Experiment,
    encoder: Encoder,
    shown: ShownEpisodes,
    moments: list[HeldOutFrame],
    skipped: list[str],
) -> DreamPart | None:
    """Return the part on dreams; dynamics that cannot be read leave the encoder's part alone."""
    try:
        return dream_part(experiment, encoder, shown, moments)
    except WorldvaeError as error:
        skipped.append(str(error))
        return None


def _agent_folders(experiment: Experiment, agents: Sequence[str] | None) -> list[Path]:
    if agents is None:
        return first_agents(experiment.folder)
    return [experiment.folder / "agents" / name for name in agents]


def _fitting(
    parts: Iterable[AgentPart], others: Sequence[Asset], skipped: list[str]
) -> Iterator[AgentPart]:
    """Yield the agents with which the page stays below LARGEST bytes."""
    size = RUNTIME_SIZE + sum(len(asset.html) for asset in others)
    for part in parts:
        own = len(part.asset.html)
        if size + own > LARGEST:
            skipped.append(
                f"{part.facts.name}: its {own / 1e6:.1f} MB would make the page larger than "
                f"{LARGEST / 1e6:.0f} MB; --agents names those to take"
            )
        else:
            size += own
            yield part


def _sections(contents: ExplorerContents) -> Iterator[str]:
    if contents.dream is not None:
        yield filled("dream.html", words=DREAM)
    prior = PRIOR if contents.code.has_prior else NO_PRIOR
    yield filled("code.html", words=CODE, prior=prior)
    if contents.twins:
        yield filled("twin.html", words=TWIN)
