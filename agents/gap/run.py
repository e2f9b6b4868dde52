"""Plays policies in reality and in the dream, and says whether the dream ranks them as it does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.config.gap import GapConfig
from agents.gap.arena import Arena, PlayLog, Series
from agents.gap.compare import (
    PlayedPair,
    agreement_fields,
    agreement_of,
    most_cautious,
    policy_gap,
    returns_of,
)
from agents.gap.competitors import Competitor
from agents.gap.gap_file import GapReport, Promise, TemperatureOnValidation
from agents.gap.rules.findings import find_gaps, judge
from agents.gap.worlds import Part, Worlds
from agents.run.command import exact_command
from worldvae.progress import ProgressBar
from worldvae.versions import library_versions


@dataclass(frozen=True)
class GapRun:
    """Who plays in which worlds, and where the episodes are kept."""

    competitors: Sequence[Competitor]
    worlds: Worlds
    config: GapConfig
    temperature: float
    """That of the run's dream."""
    folder: Path
    seed: int
    """Decides the resamples."""

    def report(self, skipped: Sequence[str] = (), promises: Sequence[Promise] = ()) -> GapReport:
        """Play what was not played before, and compare."""
        started = time.monotonic()
        log = PlayLog(self.folder)
        tried = self._tried(log)
        temperature = most_cautious(tried) if tried else self._only_temperature
        pairs = self._pairs(log, "test", temperature)
        values: dict[str, Any] = {
            "env_id": self.worlds.env_id,
            "verdict": "inconclusive",
            "findings": (),
            "limit": self.worlds.limit,
            "horizon": self.worlds.horizon,
            "temperature": temperature,
            "configured_temperature": self.temperature,
            "temperatures": tuple(tried),
            "policies": tuple(policy_gap(pair, self.seed) for pair in pairs),
            "skipped": tuple(skipped),
            **agreement_fields(pairs, self.seed),
            "promises": tuple(promises),
            "dynamics_sha256": self.worlds.dynamics_sha256,
            "seed": self.seed,
            "seconds": round(time.monotonic() - started, 1),
            "command": exact_command(),
            "versions": library_versions(),
        }
        report = GapReport(**values)
        findings = find_gaps(report)
        concluded = {"findings": findings, "verdict": judge(report, findings)}
        return report.model_copy(update=concluded)

    @property
    def _only_temperature(self) -> float:
        return (*self.config.temperatures, self.temperature)[0]

    def _tried(self, log: PlayLog) -> list[TemperatureOnValidation]:
        """Return the error of each temperature on validation episodes; none if there is one."""
        if len(self.config.temperatures) < 2:
            return []
        return [
            TemperatureOnValidation(
                temperature=temperature,
                agreement=agreement_of(
                    returns_of(self._pairs(log, "validation", temperature)), self.seed
                ),
            )
            for temperature in self.config.temperatures
        ]

    def _pairs(self, log: PlayLog, part: Part, temperature: float) -> list[PlayedPair]:
        """Return what every competitor plays in reality and in a dream of that temperature."""
        is_test = part == "test"
        episodes = self.config.episodes if is_test else self.config.validation_episodes
        series = Series(part, episodes, self.config.seed)
        worlds = self.worlds
        real_decides, dream_decides = worlds.decides_reality(), worlds.decides_dream(part)
        with (
            Arena("reality", None, worlds.reality, real_decides, series, log) as reality,
            Arena(
                "dream",
                temperature,
                lambda _: worlds.dream(temperature, part, episodes),
                dream_decides,
                series,
                log,
            ) as dream,
            ProgressBar(_title(part, temperature), len(self.competitors), "policies") as bar,
        ):
            pairs = []
            for competitor in self.competitors:
                pairs.append(
                    PlayedPair(competitor, reality.played(competitor), dream.played(competitor))
                )
                bar.reach(len(pairs))
        return pairs


def _title(part: Part, temperature: float) -> str:
    return "play" if part == "test" else f"temperature {temperature:g}"
