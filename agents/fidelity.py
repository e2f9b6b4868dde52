"""Checks dreams where a trained agent goes: `python -m scripts.fidelity CONFIG --arm dream`.

An agent that was trained in dreams goes where the rollouts did not, and there dreams may be worth
less than the check on held-out rollouts says.
"""

from __future__ import annotations

from pathlib import Path

from agents.config.experiment import Experiment
from agents.dream.sources import DreamSources
from agents.drift.refitting import agent_rollouts, collect_as
from agents.prepare import learn_latent_dynamics
from agents.run.agent_card import AgentCard, own_dynamics, read_card
from agents.run.code import warn_of_other_code
from agents.run.command import exact_command
from worldvae.checksum import hash_json
from worldvae.diagnostics.fidelity.check import check_fidelity, write_fidelity
from worldvae.diagnostics.fidelity.rules.evidence import Fidelity
from worldvae.diagnostics.fidelity.subject import HeldOut
from worldvae.envs import EnvConfig
from worldvae.envs.own_code import own_code
from worldvae.locks import locked
from worldvae.rollouts import RolloutConfig, RolloutStore
from worldvae.seeding import derive

FOLDER = "fidelity"
"""The folder of the check in that of the agent."""

DIGITS = 8
"""How many digits of the hash of what decided episodes name their folder."""


def examine_on_agent(
    experiment: Experiment, arm: str, seed: int, frames: int
) -> tuple[Fidelity, Path]:
    """Collect `frames` frames with an exploring agent, and judge by them the dreams it knows.

    They are those of its own dynamics, of the last round if it went through several, else those of
    the experiment, which are learned if they are missing. No model ever trains on these frames.

    Returns the check and its folder, which is the agent's `fidelity`. Raises ArtifactError if there
    is no such agent, or if its episodes are too few or too short to tell.
    """
    folder = experiment.agent_folder(arm, seed)
    card = read_card(folder)
    warn_of_other_code(experiment)
    has_own = card.dynamics is not None
    dynamics = own_dynamics(folder, card) if has_own else learn_latent_dynamics(experiment)
    sources, report = DreamSources.of(dynamics, experiment), folder / FOLDER
    learned_from = RolloutStore(sources.rollouts)
    rollouts = agent_rollouts(experiment.rollouts, frames)
    collected_by = derive(experiment.seed, "fidelity", arm, seed)
    with locked(report, "fidelity"):
        played = report / _played(card, learned_from.env, rollouts, collected_by)
        store = RolloutStore.create(played, learned_from.env)
        collect_as(folder, store, rollouts, collected_by)
        fidelity = check_fidelity(
            dynamics,
            sources.encoder,
            learned_from,
            experiment.seed,
            exact_command(),
            held_out=HeldOut(store, report),
            burn_in=experiment.dream.burn_in,
        )
        write_fidelity(fidelity, report)
    return fidelity, report


def _played(card: AgentCard, env: EnvConfig, rollouts: RolloutConfig, seed: int) -> str:
    """Return the folder of the agent's episodes, another one if anything else decides them.

    An agent that has trained on goes elsewhere. Amounts may change: what is missing is added.
    """
    how = rollouts.model_dump(mode="json", exclude={"frames", "num_envs"})
    decides = {"agent": card.model_sha256, "rollouts": how, "seed": seed, **own_code(env)}
    return f"rollouts_{card.trained_steps}_{hash_json(decides)[:DIGITS]}"
