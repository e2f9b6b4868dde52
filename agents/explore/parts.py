"""All parts of a page, as far as a run has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agents.config.experiment import Experiment, check_settings
from agents.explore.agent_part import AgentPart, DreamedBy, agent_parts, first_agents
from agents.explore.assets import Asset
from agents.explore.code_part import CodePart, code_part
from agents.explore.contents import ExplorerContents, MomentFacts
from agents.explore.dream_part import DreamPart, dream_part
from agents.explore.segments import HeldOutFrame, ShownEpisodes
from agents.explore.twin_part import TwinPart, twin_parts
from agents.prepare.sections import ENCODED_BY, LEARNED_BY
from agents.run.command import exact_command
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import CONFIG
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.rollouts import RolloutStore
from worldvae.versions import library_versions

MOMENTS = 16
"""Held-out frames to choose from."""

RUNTIME_SIZE = 4_800_000
"""Bytes of the runtime, the scripts and the styles in a page."""

LARGEST_PAGE = 15_000_000
"""Bytes of a page, above which agents are left out that nobody has named."""


@dataclass(frozen=True)
class ExplorerParts:
    """The parts of a page."""

    moments: Sequence[HeldOutFrame]
    code: CodePart
    dream: DreamPart | None
    twins: Sequence[TwinPart]
    agents: Sequence[AgentPart]

    @property
    def assets(self) -> list[Asset]:
        """All networks and arrays."""
        dream = () if self.dream is None else self.dream.assets
        twins = (asset for twin in self.twins for asset in twin.assets)
        return [*self.code.assets, *dream, *twins, *(part.asset for part in self.agents)]

    def contents(self, title: str, env_id: str, split: str) -> ExplorerContents:
        """Return what the page is told."""
        moments = (
            MomentFacts(episode=moment.record.name, frame=moment.frame) for moment in self.moments
        )
        return ExplorerContents(
            title=title,
            env_id=env_id,
            split=split,
            code=self.code.facts,
            moments=tuple(moments),
            dream=None if self.dream is None else self.dream.facts,
            agents=tuple(part.facts for part in self.agents),
            twins=tuple(twin.facts for twin in self.twins),
            command=exact_command(),
            versions=library_versions(),
        )


@dataclass(frozen=True)
class RunReader:
    """Reads the parts of a run; why some are left out is appended to `skipped`."""

    experiment: Experiment
    encoder: Encoder
    shown: ShownEpisodes
    skipped: list[str]

    @classmethod
    def open(cls, experiment: Experiment) -> RunReader:
        """Open the encoder and the rollouts of a run.

        Raises ArtifactError if one of them is missing, or if the encoder or the dynamics were made
        with other settings: words of the page, the names of actions among them, are of these.
        """
        if not CONFIG.exists(experiment.encoder_folder):
            raise ArtifactError(
                f"{experiment.encoder_folder}: no finished encoder to explore; python -m "
                "scripts.pretrain CONFIG makes one"
            )
        check_settings(experiment.encoder_folder, experiment, ENCODED_BY)
        check_settings(experiment.dynamics_folder, experiment, LEARNED_BY)
        encoder = Encoder.load(experiment.encoder_folder)
        shown = ShownEpisodes.of(RolloutStore(experiment.rollouts_folder))
        encoder.card.check_frame(shown.store.env.frame, str(shown.store.folder))
        return cls(experiment, encoder, shown, [])

    def parts(self, agents: Sequence[str] | None) -> ExplorerParts:
        """Return the parts; `agents` are ARM/seed_K, None: one of each arm that fits.

        Raises ArtifactError if an agent that is named cannot play.
        """
        moments = self.shown.moments(MOMENTS)
        code, dream = code_part(self.encoder, self.shown, moments), self._dream(moments)
        burn_in, twins = self.experiment.dream.burn_in, list[TwinPart]()
        if dream is not None:
            twins = twin_parts(self.encoder, self.shown, dream.card, burn_in)
        space = self.shown.store.action_space
        seen = DreamedBy.of(self.encoder, dream, self.experiment, space)
        if agents is not None:
            folders = [self.experiment.folder / "agents" / name for name in agents]
            return ExplorerParts(moments, code, dream, twins, [*agent_parts(folders, seen)])
        without = ExplorerParts(moments, code, dream, twins, ())
        found = agent_parts(first_agents(self.experiment.folder), seen, self.skipped)
        return ExplorerParts(moments, code, dream, twins, [*self._fitting(found, without.assets)])

    def _dream(self, moments: list[HeldOutFrame]) -> DreamPart | None:
        """Return the part on dreams; without readable dynamics the encoder's part stands alone."""
        try:
            return dream_part(self.experiment, self.encoder, self.shown, moments)
        except WorldvaeError as error:
            self.skipped.append(str(error))
            return None

    def _fitting(self, parts: Iterable[AgentPart], others: Sequence[Asset]) -> Iterator[AgentPart]:
        """Yield the agents with which the page stays below LARGEST_PAGE bytes."""
        size = RUNTIME_SIZE + sum(len(asset.html) for asset in others)
        for part in parts:
            own = len(part.asset.html)
            if size + own > LARGEST_PAGE:
                self.skipped.append(
                    f"{part.facts.name}: its {own / 1e6:.1f} MB would make the page larger than "
                    f"{LARGEST_PAGE / 1e6:.0f} MB; --agents names those to take"
                )
            else:
                size += own
                yield part
