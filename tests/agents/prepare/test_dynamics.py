"""What is said before dynamics are learned, and once they are checked."""

from pathlib import Path

import pytest

from agents.prepare import prepare
from agents.prepare.dynamics import advise_horizon, learn_latent_dynamics
from tests.diagnostics.fidelity.worlds import fidelity
from tests.tiny import load
from worldvae.errors import ArtifactError

TRUSTED = 24
JUDGED = fidelity().codes.horizons[-1]


@pytest.mark.parametrize(
    ("horizon", "trusted", "advised"),
    [
        (TRUSTED + 1, TRUSTED, f"{TRUSTED} ends dreams there"),
        (JUDGED + 100, TRUSTED, f"{TRUSTED} ends dreams there"),
        (TRUSTED, TRUSTED, ""),
        (JUDGED + 100, JUDGED, f"is longer than the {JUDGED} decisions that were judged"),
        (JUDGED, JUDGED, ""),
        (JUDGED, 0, ""),  # dreams that are not trusted at all need more than an end
    ],
)
def test_dreams_end_where_they_are_trusted_no_longer(
    horizon: int, trusted: int, advised: str
) -> None:
    check = fidelity().model_copy(update={"horizon": trusted})
    line = advise_horizon(horizon, check)
    assert advised in line
    assert bool(line) == bool(advised)


def test_an_unfit_dream_is_trusted_for_no_decision_that_an_end_could_keep() -> None:
    check = fidelity().model_copy(update={"horizon": TRUSTED, "verdict": "unfit"})
    assert advise_horizon(JUDGED, check) == ""


@pytest.mark.filterwarnings("ignore:tests/Hostile-v0")
@pytest.mark.parametrize("arms", [["dream"], ["latent", "untrained_memory"], []])
def test_of_a_bandit_no_encoder_is_trained_for_dynamics(tmp_path: Path, arms: list[str]) -> None:
    """It was, for minutes, before it was said that there is nothing for dynamics to learn."""
    bandit = {"env.id": "tests/Hostile-v0", "env.image_key": "camera", "env.kwargs": {"length": 1}}
    imported = {"env.import": "tests.rollouts.test_findings", "env.action_repeat": 1}
    few = {"rollouts.frames": 100}
    experiment = load(tmp_path, **bandit, **imported, **few)
    with pytest.raises(ArtifactError, match="every episode ends with its first decision"):
        prepare(experiment, arms) if arms else learn_latent_dynamics(experiment)
    assert not experiment.encoder_folder.exists()
