"""Lets policies play in one world, and keeps what they played, so that none plays twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from agents.config.gap import SEEDS
from agents.gap.competitors import Competitor
from agents.gap.gap_file import PLAYED, PlayedEpisodes, WorldName
from agents.gap.play import play
from agents.gap.worlds import Part
from worldvae.checksum import hash_json
from worldvae.dynamics.dream_batch import START
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch


class PlayLog:
    """The episodes that were played before, in the file `played.jsonl` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = {line.key: line for line in PLAYED.read(folder)}

    def find(self, key: str) -> PlayedEpisodes | None:
        """Return the episodes that `key` decides; None if they were not played yet."""
        return self._lines.get(key)

    def add(self, line: PlayedEpisodes) -> None:
        """Keep the episodes, also for another process."""
        PLAYED.append(self._folder, line)
        self._lines[line.key] = line


@dataclass(frozen=True)
class Series:
    """Episodes for one purpose, to choose or to report."""

    part: Part
    episodes: int
    """How many each policy plays in each world."""
    seed: int
    """The seed from which on their seeds are taken."""

    def first_seed(self, policy: str) -> int:
        """Return the seed of the first episode of a policy; other parts have other ones."""
        return self.seed + derive(0, self.part, policy) % SEEDS


class Arena:
    """N environments of one world, which are made when a policy first has to play.

    Args:
        world: The name of the world.
        temperature: That of the dream, None for reality.
        open_vec: Makes the environments; its argument says whether frames are drawn.
        decides: All that decides episodes beside the policy, in values of JSON.
        series: Which episodes are played.
        log: What was played before.
    """

    def __init__(
        self,
        world: WorldName,
        temperature: float | None,
        open_vec: Callable[[bool], VectorEnv[Any, Any, Any]],
        decides: Mapping[str, Any],
        series: Series,
        log: PlayLog,
    ) -> None:
        self._world, self._temperature, self._open, self._log = world, temperature, open_vec, log
        self._series = series
        own = {"world": world, "temperature": temperature, "series": asdict(series)}
        self._decides = {**decides, **own}
        self._vecs: dict[bool, VectorEnv[Any, Any, Any]] = {}

    def __enter__(self) -> Arena:
        return self

    def __exit__(self, *_: object) -> None:
        for vec in self._vecs.values():
            vec.close()

    def played(self, competitor: Competitor) -> PlayedEpisodes:
        """Return the episodes of `competitor`, from the log if it has played them before."""
        key = hash_json({**self._decides, "policy": competitor.identity})
        found = self._log.find(key)
        if found is None:
            found = self._play(competitor, key)
            self._log.add(found)
        return found

    def _play(self, competitor: Competitor, key: str) -> PlayedEpisodes:
        policy = competitor.make(self._world)
        # Each policy is given episodes of its own: intervals take those of policies as independent.
        seed = self._series.first_seed(competitor.name)
        with seeded_torch(derive(seed, "gap")):  # agents sample from it
            key_of_start = START if self._world == "dream" else ""
            vec, count = self._vec(competitor), self._series.episodes
            episodes = play(policy, vec, count, seed, key_of_start)
        return PlayedEpisodes(
            key=key,
            policy=competitor.name,
            world=self._world,
            temperature=self._temperature,
            returns=tuple(episodes.returns.tolist()),
            lengths=tuple(episodes.lengths.tolist()),
            cut=tuple(episodes.cut.tolist()),
            starts=tuple(episodes.starts.tolist()),
        )

    def _vec(self, competitor: Competitor) -> VectorEnv[Any, Any, Any]:
        drawn = competitor.needs_frames
        if drawn not in self._vecs:
            self._vecs[drawn] = self._open(drawn)
        return self._vecs[drawn]
