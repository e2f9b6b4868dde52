"""One contract for every backend and for the dream: SAME_STEP autoreset, final observations, seeds.

Real worlds show frames of uint8, a dream latents and memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from tests.dynamics.folders import make_folders
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.envs import EnvConfig, make_env, make_vec
from worldvae.envs.backends import envpool
from worldvae.envs.vector import final_observations

N = 3
CASES: dict[str, dict[str, Any]] = {
    "sync": {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"},
    "async": {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "async"},
    "render": {"id": "CartPole-v1", "workers": "sync"},
    "ale": {"id": "ALE/Breakout-v5", "backend": "ale", "max_episode_steps": 40},
    "envpool": {"id": "CarRacing-v3", "backend": "envpool", "max_episode_steps": 30},
    "car": {
        "id": "CarRacing-v3",
        "backend": "gymnasium",
        "workers": "sync",
        "max_episode_steps": 12,
    },
}
ENDLESS = -30.0
"""A logit of the end at which no dream ends."""
DREAMS: dict[str, dict[str, Any]] = {
    "dream": {},
    "dream of actions in a box": {"box": True},
    "dream of an ensemble": {"members": 3, "core": "lstm"},
    "dream that never ends": {"end_logit": ENDLESS},
}


@dataclass(frozen=True)
class Case:
    """What is the same in every environment of a case."""

    make: Callable[[int], VectorEnv[Any, Any, Any]]
    """Makes N of them, of a seed."""
    shape: tuple[int, ...]
    dtype: type
    limit: int | None
    """Decisions after which all are truncated; None if some end before."""


def real(settings: dict[str, Any]) -> Case:
    config = EnvConfig(**{"action_repeat": 2, **settings})
    limit = config.max_episode_steps and config.max_episode_steps // 2
    return Case(lambda seed: make_vec(config, N, seed), (64, 64, 3), np.uint8, limit)


@pytest.fixture(scope="module")
def dreamed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    def case(name: str) -> Case:
        folders = make_folders(tmp_path_factory.mktemp("dream"), **DREAMS[name])
        source = DreamSource.load(folders.dynamics, horizon=15)
        shape = (source.dynamics.latents + source.dynamics.memory_size,)
        limit = 15 if DREAMS[name].get("end_logit") == ENDLESS else None
        return Case(lambda seed: DreamVectorEnv(source, N, seed), shape, np.float32, limit)

    return case


@pytest.fixture(params=[*CASES, *DREAMS])
def case(request: pytest.FixtureRequest, dreamed: Callable[[str], Case]) -> Case:
    return real(CASES[request.param]) if request.param in CASES else dreamed(request.param)


@pytest.fixture
def env(case: Case) -> Iterator[VectorEnv[Any, Any, Any]]:
    env = case.make(5)
    yield env
    env.close()


def actions(env: VectorEnv[Any, Any, Any], steps: int) -> list[Any]:
    env.action_space.seed(0)
    return [env.action_space.sample() for _ in range(steps)]


def play(env: VectorEnv[Any, Any, Any], steps: int) -> list[Any]:
    obs, _ = env.reset()
    return [obs, *(env.step(action) for action in actions(env, steps))]


def test_spaces_shapes_and_types(case: Case, env: VectorEnv[Any, Any, Any]) -> None:
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert env.num_envs == N
    assert env.single_observation_space.shape == case.shape
    assert env.single_observation_space.dtype == case.dtype
    obs, _ = env.reset()
    assert env.observation_space.contains(obs)
    obs, rewards, terminated, truncated, _ = env.step(env.action_space.sample())
    assert env.observation_space.contains(obs)
    assert obs.dtype == case.dtype
    assert obs.shape == (N, *case.shape)
    assert rewards.shape == terminated.shape == truncated.shape == (N,)
    assert rewards.dtype == np.float64
    assert terminated.dtype == truncated.dtype == bool


def test_an_ended_episode_leaves_its_last_observation_and_begins_anew(
    case: Case, env: VectorEnv[Any, Any, Any]
) -> None:
    before, *steps = play(env, 60)
    seen, moved = 0, 0
    for obs, _, terminated, truncated, info in steps:
        ended, finals = final_observations(info, N)
        assert ended.tolist() == np.flatnonzero(terminated | truncated).tolist()
        for index, final in zip(ended, finals, strict=True):
            assert final.shape == case.shape
            assert final.dtype == case.dtype
            assert (final != obs[index]).any(), "the last and the next first one differ"
            moved += (final != before[index]).any()
            seen += 1
        before = obs
    assert seen >= N, "the episodes of this case are short enough to end several times"
    assert moved, "the last one comes after the last decision, not before it"


def test_the_limit_truncates_and_does_not_terminate(
    case: Case, env: VectorEnv[Any, Any, Any]
) -> None:
    if case.limit is None:
        pytest.skip("this case has no limit of its own")
    *_, last = play(env, case.limit)
    _, _, terminated, truncated, _ = last
    assert truncated.all()
    assert not terminated.any()


def test_same_seed_same_world_other_seed_another(case: Case, env: VectorEnv[Any, Any, Any]) -> None:
    def fingerprint(seed: int) -> list[Any]:
        other = case.make(seed)
        try:
            return [np.asarray(part).tolist() for step in play(other, 8)[1:] for part in step[:4]]
        finally:
            other.close()

    mine = [np.asarray(part).tolist() for step in play(env, 8)[1:] for part in step[:4]]
    assert fingerprint(5) == mine
    assert fingerprint(6) != mine


def test_an_observation_stays_as_it_was_returned(env: VectorEnv[Any, Any, Any]) -> None:
    obs, _ = env.reset()
    kept = np.array(obs)
    for action in actions(env, 5):
        env.step(action)
    assert (obs == kept).all()


@pytest.mark.parametrize("name", ["sync", "async", "car"])
def test_gymnasium_backend_equals_single_environments(name: str) -> None:
    """Against N environments stepped by hand, with the reset on the same step."""
    config = EnvConfig(**{"action_repeat": 2, **CASES[name]})
    vec = make_vec(config, N, seed=5)
    singles = [make_env(config) for _ in range(N)]
    frames = np.stack([env.reset(seed=5 + i)[0] for i, env in enumerate(singles)])
    obs, *steps = play(vec, 12)
    assert (obs == frames).all()
    for action, (obs, rewards, terminated, truncated, info) in zip(
        actions(vec, 12), steps, strict=True
    ):
        finals = dict(zip(*final_observations(info, N), strict=True))
        for i, env in enumerate(singles):
            frame, reward, done, cut, _ = env.step(action[i])
            assert (rewards[i], terminated[i], truncated[i]) == (reward, done, cut)
            if done or cut:
                assert (finals[i] == frame).all()
                frame, _ = env.reset()
            assert (obs[i] == frame).all()
    vec.close()


def test_partial_episode_ends_leave_the_others_running() -> None:
    vec = make_vec(EnvConfig(**CASES["sync"]), 8, seed=0)
    obs, _ = vec.reset()
    ages = np.zeros(8, int)
    partial = 0
    for _ in range(30):
        obs, rewards, terminated, truncated, _ = vec.step(np.zeros(8, int))
        ended = terminated | truncated
        ages += 1
        assert (rewards == ages).all()
        ages[ended] = 0
        assert (obs[:, 0, 0, 0] == 10 * ages).all()
        partial += 0 < ended.sum() < 8
    assert partial > 3
    vec.close()


@pytest.mark.parametrize("color", ["rgb", "gray"])
@pytest.mark.parametrize("crop", [{}, {"top": 20, "left": 3}])
@pytest.mark.parametrize(
    ("game", "frameskip", "repeated"),
    [
        ("Pong", 4, {"action_repeat": 2}),
        ("Asteroids", 1, {"action_repeat": 4}),
    ],
)
def test_ale_plays_gymnasiums_game_frame_by_frame(
    game: str, frameskip: int, repeated: dict[str, int], color: str, crop: dict[str, int]
) -> None:
    settings: dict[str, Any] = {
        "id": f"ALE/{game}-v5",
        "kwargs": {"repeat_action_probability": 0.0, "frameskip": frameskip},
        "frame": {"color": color, "crop": crop, "max_pool": frameskip == 1},
        "workers": "sync",
        **repeated,
    }
    ours = make_vec(EnvConfig(backend="ale", **settings), 2, seed=0)
    theirs = make_vec(EnvConfig(backend="gymnasium", **settings), 2, seed=0)
    assert (ours.reset()[0] == theirs.reset()[0]).all()
    generator = np.random.default_rng(0)
    for _ in range(150):
        action = generator.integers(0, 6, 2)
        for mine, reference in zip(ours.step(action)[:4], theirs.step(action)[:4], strict=True):
            assert (mine == reference).all()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("color", ["rgb", "gray"])
@pytest.mark.parametrize("size", [64, 96])
def test_ale_shows_the_last_frame_of_an_episode_that_is_cut(color: str, size: int) -> None:
    """ale_py itself shows the one before; a value is learned from it."""
    settings: dict[str, Any] = {
        "id": "ALE/Breakout-v5",
        "kwargs": {"repeat_action_probability": 0.0},
        "frame": {"color": color, "height": size, "width": size},
        "max_episode_steps": 25,
        "workers": "sync",
    }
    ours = make_vec(EnvConfig(backend="ale", **settings), 2, seed=0)
    theirs = make_vec(EnvConfig(backend="gymnasium", **settings), 2, seed=0)
    shown = [env.reset()[0] for env in (ours, theirs)]
    generator, before = np.random.default_rng(0), shown[0]
    moved = 0
    for decision in range(1, 76):
        action = generator.integers(0, 4, 2)
        (obs, _, _, cut, mine), (same, *_, reference) = ours.step(action), theirs.step(action)
        assert (obs == same).all(), "also after ends"
        assert cut.all() == (decision % 25 == 0)
        if cut.all():
            finals = [final_observations(info, 2)[1] for info in (mine, reference)]
            assert np.array_equal(*finals)
            moved += (np.array(finals[0]) != before).any()
        before = obs
    assert moved, "else the frame before would do as well"
    ours.close()
    theirs.close()


def test_envpool_action_repeat_sums_rewards_of_the_same_world() -> None:
    """Two decisions of one step each against one decision of two, in the same world."""
    once = make_vec(EnvConfig(**CASES["envpool"]), N, seed=3)
    twice = make_vec(EnvConfig(**CASES["envpool"], action_repeat=2), N, seed=3)
    assert (once.reset()[0] == twice.reset()[0]).all()
    for action in actions(twice, 10):
        first, second = once.step(action), once.step(action)
        both = twice.step(action)
        assert np.allclose(first[1] + second[1], both[1], atol=1e-6)
        assert (second[0] == both[0]).all()
    once.close()
    twice.close()


def test_envpool_knows_an_id_without_a_version() -> None:
    with pytest.warns(UserWarning, match="taken as CarRacing-v3"):
        vec = make_vec(EnvConfig(id="CarRacing", backend="envpool"), 1, seed=0)
    assert vec.reset()[0].shape == (1, 64, 64, 3)
    vec.close()


def test_envpool_gives_up_where_nothing_is_gained() -> None:
    vec = make_vec(EnvConfig(id="CarRacing-v3", backend="envpool", give_up_after=20), N, seed=0)
    vec.reset()
    standing: NDArray[Any] = np.zeros((N, 2), np.float32)
    ends = [np.flatnonzero(vec.step(standing)[3]).tolist() for _ in range(60)]
    assert [step for step, who in enumerate(ends) if who], "a standing car gains nothing"
    vec.close()


def test_envpool_plays_the_same_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    played = []
    for cores in (1, 2, 8):  # 8 are more than there are environments
        monkeypatch.setattr(envpool, "usable_cores", lambda cores=cores: cores)
        env = make_vec(EnvConfig(**CASES["envpool"]), N, seed=5)
        played.append([step[:4] for step in play(env, 40)[1:]])
        env.close()
    for steps in zip(*played, strict=True):
        for one, two, many in zip(*steps, strict=True):
            np.testing.assert_array_equal(one, two)
            np.testing.assert_array_equal(one, many)
