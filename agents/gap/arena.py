"""Lets policies play in one world, and keeps what they played, so that none plays twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from gymnasium.vector import VectorEnv

from agents.gap.competitors import Competitor
from agents.gap.gap_file import PLAYED, PlayedEpisodes, WorldName
from agents.gap.play import play
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


class Arena:
    """N environments of one world, which are made when a policy first has to play.

    Args:
        world: The name of the world.
        temperature: That of the dream, None for reality.
        open_vec: Makes the environments; its argument says whether frames are drawn.
        decides: All that decides episodes beside the policy, in values of JSON.
        amounts: How many episodes each policy plays, and the seed of the first one.
        log: What was played before.
    """

    def __init__(
        self,
        world: WorldName,
        temperature: float | None,
        open_vec: Callable[[bool], VectorEnv[Any, Any, Any]],
        decides: Mapping[str, Any],
        amounts: tuple[int, int],
        log: PlayLog,
    ) -> None:
        self._world, self._temperature, self._open, self._log = world, temperature, open_vec, log
        self._episodes, self._seed = amounts
        self._decides = {**decides, "world": world, "temperature": temperature, "amounts": amounts}
        self._vecs: dict[bool, VectorEnv[Any, Any, Any]] = {}

    def __enter__(self) -> Arena:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for vec in self._vecs.values():
            vec.close()

    def played(self, competitor: Competitor) -> PlayedEpisodes:
        """Return the episodes of `competitor`, from the log if it has played them before."""
        key = _digest({**self._decides, "policy": competitor.identity})
        found = self._log.find(key)
        if found is None:
            found = self._play(competitor, key)
            self._log.add(found)
        return found

    def _play(self, competitor: Competitor, key: str) -> PlayedEpisodes:
        policy = competitor.make(self._world)
        with seeded_torch(derive(self._seed, "gap", competitor.name)):  # agents sample from it
            episodes = play(policy, self._vec(competitor), self._episodes, self._seed)
        return PlayedEpisodes(
            key=key,
            policy=competitor.name,
            world=self._world,
            temperature=self._temperature,
            returns=tuple(episodes.returns.tolist()),
            lengths=tuple(episodes.lengths.tolist()),
            cut=tuple(episodes.cut.tolist()),
        )

    def _vec(self, competitor: Competitor) -> VectorEnv[Any, Any, Any]:
        drawn = competitor.needs_frames
        if drawn not in self._vecs:
            self._vecs[drawn] = self._open(drawn)
        return self._vecs[drawn]


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
