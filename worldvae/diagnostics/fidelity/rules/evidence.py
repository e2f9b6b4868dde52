"""The measurements of a fidelity check, and its conclusions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import Interval
from worldvae.diagnostics.fidelity.metrics.ends import EndCalibration
from worldvae.diagnostics.fidelity.metrics.horizon import HorizonJudgement
from worldvae.diagnostics.fidelity.metrics.open_loop import OpenLoop
from worldvae.diagnostics.fidelity.metrics.policies import PolicyEvents
from worldvae.diagnostics.fidelity.metrics.reference import LinearReference
from worldvae.diagnostics.fidelity.metrics.reward import RewardCalibration
from worldvae.diagnostics.fidelity.metrics.spread import SpreadCalibration
from worldvae.diagnostics.fidelity.metrics.states import DreamedState
from worldvae.diagnostics.fidelity.metrics.temperature import TemperatureScore
from worldvae.diagnostics.fidelity.metrics.unseen import UnseenCodes
from worldvae.diagnostics.finding import Finding, in_lines
from worldvae.dynamics.config import DynamicsObjective
from worldvae.json_files import Content, JsonFile

Trust = Literal["unfit", "doubtful", "trusted"]


class FidelityEvidence(Content):
    """All measurements that the rules use, on held-out (test) episodes if nothing else is said."""

    env_id: str
    trained: bool = Field(description="False: random weights.")
    objective: DynamicsObjective = Field(description="What the dynamics were trained for.")
    windows: dict[str, int] = Field(description="Split -> windows.")
    burn_in: int = Field(description="Real decisions before a start, at most.")
    temperature: float = Field(description="Chosen by validation episodes; of all open loops.")
    temperatures: tuple[TemperatureScore, ...]
    codes: OpenLoop = Field(description="Whitened squared error of the mean of dreams.")
    energy: OpenLoop = Field(description="Energy score of dreams.")
    pixels: OpenLoop | None = Field(description="Squared error where pixels move.")
    no_pixels: str | None = Field(description="Why there is none.")
    state: DreamedState | None
    no_state: str | None = Field(description="Why there is none.")
    policies: dict[str, OpenLoop] = Field(
        description="Policy that collected the episodes -> `codes` of these; if several did."
    )
    policy_events: dict[str, PolicyEvents] = Field(
        {}, description="Policy -> rewards and ends on its episodes; if several collected them."
    )
    reward: RewardCalibration
    ends: EndCalibration
    spread: SpreadCalibration = Field(description="At temperature 1, as the dynamics were trained.")
    unseen: UnseenCodes
    elsewhere: Interval | None = Field(
        None,
        description="Share of an agent's frames that are farther from training codes than 99 % of "
        "the rollouts' held-out ones; None: the held-out episodes are of the rollouts.",
    )
    reference: LinearReference
    horizon: int = Field(
        description="Decisions for which dreams are trusted by validation episodes; 0: none."
    )
    encoder_doubts: tuple[Finding, ...] = Field(
        (), description="What the encoder's own check found, but for notes."
    )
    ending_limit: int | None = Field(
        None,
        description="Decisions at which a limit of steps seems to terminate episodes; null: none.",
    )

    @property
    def judgement(self) -> HorizonJudgement:
        """Where dreams of test episodes win and where they lose."""
        return HorizonJudgement(self.codes, self.energy, self.reference.actions_tell)

    @property
    def confirmed(self) -> int:
        """Decisions for which dreams are trusted by test episodes; 0: none."""
        return self.judgement.horizon


class Fidelity(FidelityEvidence):
    """The content of fidelity.json: measurements, conclusions, times, and how to repeat it."""

    verdict: Trust
    findings: tuple[Finding, ...]
    seconds: dict[str, float] = Field(description="Part -> wall-clock time.")
    seed: int = Field(description="Of the check.")
    dynamics: str | None = Field(None, description="Folder of the dynamics.")
    rollouts: tuple[str, ...] = Field(description="Folders of the stores they were learned from.")
    held_out: str | None = Field(
        None, description="Folder of the store that judges, an agent's; None: of test episodes."
    )
    encoder: str | None = Field(None, description="Folder of the encoder.")
    command: str | None = Field(None, description="What was typed, if the check was part of one.")

    @property
    def trusted(self) -> int:
        """Decisions for which dreams are trusted; an unfit dream is, however right, for none."""
        return 0 if self.verdict == "unfit" else self.horizon

    def summary(self) -> str:
        """Return verdict, trusted horizon, findings and advice as text, one line each."""
        verdict = f"verdict: {self.verdict}, {trusted_words(self)}"
        return "\n".join([verdict, *in_lines(self.findings)])


FIDELITY = JsonFile("fidelity.json", Fidelity, "delete it to examine the dynamics again")


def trusted_words(fidelity: Fidelity) -> str:
    """Return up to which horizon and at which temperature dreams may be trusted.

    The horizon is that of codes.
    """
    temperature, longest = f"{fidelity.temperature:g}", fidelity.codes.horizons[-1]
    none = "dreams are trusted for no decision"
    if not fidelity.horizon:
        return f"{none} (temperature {temperature})"
    if fidelity.horizon == longest:
        words = f"all {longest} decisions that were judged"
    else:
        words = f"{fidelity.horizon} decision{'s' if fidelity.horizon > 1 else ''} of {longest}"
    if fidelity.confirmed < fidelity.horizon:
        words = f"{words}, of which test episodes confirm {fidelity.confirmed or 'none'}"
    start = (
        "dreams are trusted for" if fidelity.trusted else f"{none}, though their codes would be for"
    )
    return f"{start} {words}, at temperature {temperature}"
