"""ViZDoom: what agents observe of it, and where its engine leaves its files."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from agents.config.experiment import Experiment
from worldvae.envs import EnvConfig, make_env, make_vec
from worldvae.envs.speed import steps_per_second

pytestmark = pytest.mark.skipif(
    find_spec("vizdoom") is None, reason="pip install 'worldvae[vizdoom]'"
)

TAKE_COVER = Path("configs/take_cover.yaml").absolute()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with another one for temporary files."""
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


def test_take_cover_is_a_picture_with_health_until_a_black_end(scratch: Path) -> None:
    config = Experiment.load(TAKE_COVER).env
    env = make_env(config)
    obs, _ = env.reset(seed=0)
    assert obs["screen"].shape == (64, 64, 3)
    assert obs["gamevariables"].tolist() == [100.0]
    health, total, decisions, terminated = [100.0], 0.0, 0, False
    while not terminated:
        obs, reward, terminated, truncated, _ = env.step(0)
        health.append(float(obs["gamevariables"][0]))
        total, decisions = total + float(reward), decisions + 1
        assert not truncated
    env.close()
    assert health == sorted(health, reverse=True)
    assert health[-1] == 0
    assert 4 * (decisions - 1) < total <= 4 * decisions, "a point per tic, four tics a decision"
    assert not obs["screen"].any()


def test_the_engines_leave_nothing_behind(scratch: Path) -> None:
    config = EnvConfig(id="VizdoomTakeCover-v1", image_key="screen")
    vec = make_vec(config, 2, seed=0)
    obs, _ = vec.reset()
    assert obs["screen"].any(axis=(1, 2, 3)).all()
    vec.step(np.zeros(2, int))
    folders = list((scratch / "temporary").glob("vizdoom-*"))
    assert len([folder for folder in folders if (folder / "_vizdoom").is_dir()]) == 2
    vec.close()
    assert not list((scratch / "temporary").glob("vizdoom-*"))
    assert not list((scratch / "here").iterdir())


def test_a_scenario_beside_the_user_is_found(scratch: Path) -> None:
    import vizdoom

    wad = Path(vizdoom.scenarios_path) / "take_cover.wad"
    (scratch / "here" / "mine.wad").write_bytes(wad.read_bytes())
    kwargs = {"doom_scenario_path": "mine.wad"}
    env = make_env(EnvConfig(id="VizdoomTakeCover-v1", image_key="screen", kwargs=kwargs))
    obs, _ = env.reset(seed=0)
    env.close()
    assert obs["screen"].any()
    assert [path.name for path in (scratch / "here").iterdir()] == ["mine.wad"]


def test_an_engine_of_the_users_own_is_kept(scratch: Path) -> None:
    kwargs = {"vizdoom_path": "/opt/my/vizdoom"}
    env = make_env(EnvConfig(id="VizdoomTakeCover-v1", image_key="screen", kwargs=kwargs))
    assert env.get_wrapper_attr("game").get_vizdoom_path() == "/opt/my/vizdoom"
    env.close()
    assert not list((scratch / "temporary").iterdir())


@pytest.mark.parametrize("skip", [1, 4])
def test_its_speed_is_of_steps_and_not_of_tics(scratch: Path, skip: int) -> None:
    config = Experiment.load(TAKE_COVER, {"env.kwargs.frame_skip": skip}).env
    env = make_env(config)
    assert steps_per_second(env) == pytest.approx(35 / skip)
    env.close()
