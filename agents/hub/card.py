"""What the model card of an agent says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents.arms.registry import ARMS
from agents.gap.gap_file import GAP
from agents.gap.wording import headline
from agents.run.agent_card import AgentCard, own_dynamics, own_encoder, read_card
from agents.run.agent_result import RESULT, AgentResult, FinalEvaluation
from agents.run.load import read_run
from agents.video.play import evaluation_settings
from worldvae.export.artefact_cards import fidelity_words, health_words
from worldvae.export.model_card import CardSection, HubResult, ModelCardText
from worldvae.markdown import bullets, table
from worldvae.stats import Resampling, episode_interval, estimate, mean

UNFINISHED = "Its training has not finished, so it was not scored."

CODE = """\
from agents.policy.agent import Agent
from agents.policy.evaluate import evaluate
from agents.run.agent_card import read_card
from worldvae.envs.world import RealWorld
from worldvae.hub.download import local_folder

if __name__ == "__main__":
    folder = local_folder("{address}", "agent", trust=True)
    agent = Agent.load(folder, deterministic={deterministic})
    world = RealWorld(read_card(folder).env.as_evaluated())
    for episode in evaluate(agent, world, seeds=range(3), num_envs=1):
        print(f"seed {{episode.seed}}: return {{episode.return_:.2f}}")
"""

NOTES = """\
Run it in a checkout of worldvae with its extra `hub`. `trust=True` says that you trust whoever
published this: the policy is Stable-Baselines3's zip, which runs any code of its author when it is
loaded. {parts}
"""

PARTS = "Its {names} without: {addresses}."


def agent_text(folder: Path, address: str) -> ModelCardText:
    """Return what the card of the agent in `folder` says, which will be found at `address`."""
    card = read_card(folder)
    result = RESULT.read(folder) if RESULT.exists(folder) else None
    played = result.evaluation if result else None
    return ModelCardText(
        title=f"{card.algorithm} on {card.env.id}, arm {card.arm}",
        about=f"An agent of `{card.env.id}` that was trained by {card.algorithm}, with seed "
        f"{card.seed}. It observes {ARMS[card.arm].observation}.",
        facts=_facts(card, result),
        sections=tuple(_sections(folder, card, result)),
        code=CODE.format(address=address, deterministic=evaluation_settings(folder).deterministic),
        notes=NOTES.format(parts=_parts(card, address)),
        tags=_tags(card),
        scores=(_score(played),) if played else (),
    )


def _facts(card: AgentCard, result: AgentResult | None) -> dict[str, str]:
    env = card.env
    facts = {
        "environment": f"{env.id} {dict(env.kwargs) or ''}".strip(),
        "frame": f"{env.frame}",
        "action repeat": f"{env.action_repeat}",
        "stack": f"{card.stack}",
        "real environment steps of training": f"{card.env_steps:,}",
        "dreamed environment steps": f"{card.dreamed_steps:,}",
        "seconds of training": f"{card.seconds:,.0f}",
        "weights": f"`{card.model_sha256}`",
    }
    if env.import_:
        facts["module to import first"] = f"`{env.import_}`, which is not part of this repository"
    if result:
        facts["command"] = f"`{result.command}`"
        facts["made with"] = ", ".join(f"{k} {v}" for k, v in result.versions.items())
    return facts


def _sections(folder: Path, card: AgentCard, result: AgentResult | None) -> list[CardSection]:
    sections = [CardSection("Returns", _returns(folder, result))]
    if card.encoder is not None:
        words = health_words(own_encoder(folder, card))
        sections.append(CardSection("Health of its encoder", words))
    if card.dynamics is not None:
        words = fidelity_words(own_dynamics(folder, card))
        sections.append(CardSection("Fidelity of its dynamics", words))
        sections.append(CardSection("Gap between dream and reality", _gap(folder, card)))
    return sections


def _returns(folder: Path, result: AgentResult | None) -> str:
    """Return the scores of this agent, and of the others of its arm that lie beside it."""
    if result is None:
        return UNFINISHED
    ways = [played for played in (result.evaluation, result.otherwise) if played is not None]
    parts = [
        table(("actions", "episodes", "mean return", "95 % interval"), [_way(one) for one in ways]),
        "The interval is over episodes of this one agent; another seed may well fall outside.",
    ]
    return "\n\n".join([*parts, *_beside(folder, result)])


def _way(played: FinalEvaluation) -> tuple[str, ...]:
    low, high = _interval(played)
    return (
        _acts(played),
        f"{len(played.returns)}",
        f"{played.score:.3f}",
        f"{low:.3f} to {high:.3f}" if len(played.returns) > 1 else "none of one episode",
    )


def _beside(folder: Path, result: AgentResult) -> list[str]:
    """Return a sentence on all seeds of the arm; none if the agent lies in no run."""
    run = (folder / "../../..").resolve()
    if folder.resolve() != run / "agents" / result.arm / f"seed_{result.seed}":
        return []
    scores = [one.score for one in read_run(run).finished(result.arm).values()]
    if len(scores) < 2:
        return []
    found = estimate(scores, mean, Resampling.seeded(0))
    each = ", ".join(f"{score:.3f}" for score in scores)
    return [
        f"All {found.n} seeds of this arm in its run: mean {found.value:.3f}, 95 % interval over "
        f"seeds {found.low:.3f} to {found.high:.3f} ({each})."
    ]


def _gap(folder: Path, card: AgentCard) -> str:
    """Return what the gap report of its run found, if it is one on its own dynamics."""
    for place in (folder / "../../../gap", own_dynamics(folder, card) / "gap"):
        if not GAP.exists(place):
            continue
        report = GAP.read(place)
        if report.dynamics_sha256 == card.dynamics_sha256:
            findings = [f"{one.severity}: {one.found}" for one in report.findings]
            return "\n\n".join([f"**{report.verdict}**: {headline(report)}", bullets(findings)])
    return "Nobody has measured it (`python -m scripts.gap CONFIG` does)."


def _score(played: FinalEvaluation) -> HubResult:
    spread = f"{np.std(played.returns):.2f}"
    return HubResult(played.env_id, f"{played.score:.2f} +/- {spread}")


def _interval(played: FinalEvaluation) -> tuple[float, float]:
    return episode_interval(played.returns, mean, Resampling.seeded(0))


def _acts(played: FinalEvaluation) -> str:
    if played.deterministic is None:
        return "not recorded"
    return "mode of the policy" if played.deterministic else "sampled"


def _parts(card: AgentCard, address: str) -> str:
    """Return where encoder and dynamics are loaded from, which takes no trust."""
    given = {"encoder": card.encoder, "dynamics": card.dynamics}
    names = [name for name, folder in given.items() if folder is not None]
    if not names:
        return ""
    addresses = " and ".join(f"`{address}/{name}`" for name in names)
    return PARTS.format(names=" and ".join(names), addresses=addresses)


def _tags(card: AgentCard) -> tuple[str, ...]:
    return ("reinforcement-learning", "stable-baselines3", card.algorithm, card.arm, card.env.id)
