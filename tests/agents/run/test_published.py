"""Every published comparison is read by today's code and gives the scores that lie beside it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from agents.arms import registry
from agents.config.experiment import Experiment, check_settings
from agents.run.agent_files import is_finished
from agents.run.agent_result import EVALUATIONS
from agents.run.deciding import deciding
from agents.run.drift_log import DRIFT
from agents.run.load import read_run, write_scores
from agents.run.published import LOGS, read_published, unpack
from agents.run.stage_results import COLLECTION
from worldvae.autoencoders.encoder_files import CARD, CONFIG, PRETRAINING
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.errors import ArtifactError

RESULTS = Path(__file__).parents[3] / "docs" / "results"
ARMS = ("pixels", "latent", "untrained", "state", "blind")


def each(arms: tuple[str, ...], seeds: int) -> dict[str, int]:
    return dict.fromkeys(arms, seeds)


PUBLISHED = {
    "atari/ALE-Breakout-v5": each(ARMS, 3),
    "atari/ALE-MsPacman-v5": each(ARMS, 3),
    "atari/eight/ALE-Asteroids-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-Boxing-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-Breakout-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-Freeway-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-MsPacman-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-Pong-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-Seaquest-v5": each(("pixels", "latent", "untrained"), 5),
    "atari/eight/ALE-SpaceInvaders-v5": each(("pixels", "latent", "untrained"), 5),
    "car_racing/first": each(ARMS[:3], 1),
    "car_racing/second": each(ARMS, 5),
    "car_racing/memory": {"memory": 5, "untrained_memory": 5},
    "car_racing/sac": {"latent": 5, "untrained": 5},
    "car_racing/sac_1m": {"latent": 5},
    "car_racing/sac_memory": {"memory": 5, "untrained_memory": 5},
    "car_racing/pixels_short": {"pixels": 5},
    "car_racing/two_million": {"latent": 5},
    "door_key": each(ARMS, 5),
    "one_encoder/MiniGrid-Dynamic-Obstacles-Random-5x5-v0": each(ARMS[:3], 5),
    "one_encoder/MiniGrid-Empty-Random-5x5-v0": each(ARMS[:3], 5),
    "one_encoder/MiniGrid-LavaGapS5-v0": each(ARMS[:3], 5),
    "one_encoder/rooms/MiniGrid-Dynamic-Obstacles-Random-5x5-v0": {"latent": 5},
    "one_encoder/rooms/MiniGrid-Empty-Random-5x5-v0": {"latent": 5},
    "one_encoder/rooms/MiniGrid-LavaGapS5-v0": {"latent": 5},
    "dreams/dots": each(("latent", "memory", "dream", "untrained_dream", "blind"), 5),
    "dreams/dots_longer": each(("pixels", "latent", "memory", "dream"), 3),
    "dreams/take_cover": {"pixels": 5, "latent": 3, "dream": 5, "untrained_dream": 3},
    "dreams/take_cover_without_health": {"dream": 5},
    "dreams/car_racing": {"pixels": 5, "latent": 3, "dream": 5},
    "refresh/off": {"latent": 5},
    "refresh/on": {"latent": 5},
}
"""Name -> arm -> finished agents."""


def test_every_archive_is_tested() -> None:
    found = {str(path.parent.relative_to(RESULTS)) for path in RESULTS.rglob(LOGS)}
    assert found == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_archive_reproduces_its_scores(name: str, tmp_path: Path) -> None:
    run = read_run(unpack(RESULTS / name, tmp_path / "run"))
    assert {arm: len(run.finished(arm)) for arm in run.arms} == PUBLISHED[name]
    assert not run.holes
    assert not run.damaged
    assert write_scores(run).read_bytes() == (RESULTS / name / "scores.csv").read_bytes()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_file_is_of_todays_models(name: str, tmp_path: Path) -> None:
    folder = unpack(RESULTS / name, tmp_path / "run")
    kinds = (PRETRAINING, CARD, CONFIG, HEALTH)
    encoder = [kind for kind in kinds if kind.exists(folder / "encoder")]
    if any(registry.ARMS[arm].encoder for arm in PUBLISHED[name]):
        assert encoder
        assert COLLECTION.read(folder / "rollouts").frames > 0
    for kind in encoder:
        kind.read(folder / "encoder")
    agents = list(folder.glob("agents/*/seed_*"))
    assert len(agents) == sum(PUBLISHED[name].values())
    for agent in agents:
        # A training as short as on Dots is scored at its end alone.
        assert EVALUATIONS.read(agent) or name.startswith("dreams/dots")
        assert all(0 <= line.strange <= 1 for line in DRIFT.read(agent))


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    whole = (RESULTS / "door_key" / LOGS).read_bytes()
    (tmp_path / LOGS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=rf"{LOGS}: .*; restore it from the repository"):
        read_published(tmp_path)


def test_an_archive_that_writes_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    with tarfile.open(tmp_path / "published" / LOGS, "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("../outside.txt"))
    with pytest.raises(ArtifactError, match=r"outside\.txt.* outside"):
        unpack(tmp_path / "published", tmp_path / "run")
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_agents_count_as_done_with_the_configuration_beside_them(
    name: str, tmp_path: Path
) -> None:
    folder = unpack(RESULTS / name, tmp_path / "run")
    experiment = Experiment.load(folder / "config.yaml")
    for agent in folder.glob("agents/*/seed_*"):
        assert is_finished(agent)
        check_settings(agent, experiment, deciding(agent.parent.name))
