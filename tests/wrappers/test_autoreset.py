"""However a vector environment goes on to the next episode, a stack holds frames of one."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from agents.arms.observers import ActionObserver
from tests.encoders import NETWORK, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig, make_env, make_vec
from worldvae.envs.vector import autoreset_mode_of
from worldvae.errors import WorldvaeError
from worldvae.wrappers.latent import LatentObservation, LatentVectorObservation
from worldvae.wrappers.observer import StackedObserver
from worldvae.wrappers.sb3 import VectorEnvAdapter
from worldvae.wrappers.stack import ObservedVectorEnv

N, STACK, STEPS = 3, 3, 40
CLOCK = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
SAME, NEXT, DISABLED = AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED


@pytest.fixture(scope="module", params=[1, 2], ids=["one frame", "two frames"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return make_encoder(CLOCK, network=NETWORK.model_copy(update={"stack": request.param}))


def truth(encoder: Encoder, age: int) -> NDArray[np.float32]:
    """What is seen of a clock that is `age` steps old: all its frames follow from that alone."""
    ages = [max(0, age - back) for back in reversed(range(STACK))]
    inputs = [[max(0, at - back) for back in reversed(range(encoder.stack))] for at in ages]
    frames = [
        np.concatenate([np.full((64, 64, 3), 10 * one, np.uint8) for one in own], -1)
        for own in inputs
    ]
    return encoder.whiten(encoder.encode(np.stack(frames))).reshape(-1)


class Judged(gym.Env[Any, Any]):
    """Tells at the end of an episode whether an odd number of steps was given as its length."""

    observation_space, action_space = gym.spaces.Box(0, 9, (1,)), gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._left = (options or {}).get("length", 2)
        self._won = bool(self._left % 2)
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self._left -= 1
        told = {} if self._left else {"is_success": self._won}
        return np.zeros(1, np.float32), 0.0, not self._left, False, told


def test_the_library_is_told_of_success() -> None:
    adapter = VectorEnvAdapter(SyncVectorEnv([Judged] * 2, autoreset_mode=SAME))
    for length, won in ((3, True), (2, False)):
        adapter.set_options({"length": length})
        adapter.reset()
        _, rewards, _, infos = [adapter.step(np.zeros(2, int)) for _ in range(length)][-1]
        assert [info.get("is_success") for info in infos] == [won] * 2
        assert rewards.dtype == np.float32


class Asked(gym.Env[Any, Any]):
    """Writes down the seed and the options of each reset."""

    observation_space, action_space = gym.spaces.Box(0, 9, (1,)), gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.asked.append((seed, options))
        return np.zeros(1, np.float32), {}


def test_a_seed_and_options_are_for_the_next_reset_alone() -> None:
    """With the same seed every time, every episode after a reset would be the same."""
    envs = [Asked(), Asked()]
    adapter = VectorEnvAdapter(
        SyncVectorEnv([lambda: envs[0], lambda: envs[1]], autoreset_mode=SAME)
    )
    adapter.seed(5)
    adapter.set_options({"length": 3})
    adapter.reset()
    adapter.reset()
    assert [env.asked for env in envs] == [
        [(5, {"length": 3}), (None, None)],
        [(6, {"length": 3}), (None, None)],
    ]


def test_what_environments_share_is_told_for_each() -> None:
    adapter = VectorEnvAdapter(SyncVectorEnv([Judged] * 3, autoreset_mode=SAME))
    assert adapter.get_attr("num_envs") == [3] * 3
    assert adapter.get_attr("num_envs", [0, 2]) == [3] * 2


def test_options_are_one_for_all() -> None:
    adapter = VectorEnvAdapter(SyncVectorEnv([Judged] * 2, autoreset_mode=SAME))
    adapter.set_options([{"length": 1}, {"length": 2}])
    with pytest.raises(WorldvaeError, match="one set of options for all"):
        adapter.reset()


def clocks(
    mode: AutoresetMode, kind: Callable[..., Any] = SyncVectorEnv
) -> VectorEnv[Any, Any, Any]:
    return kind([lambda: make_env(CLOCK)] * N, autoreset_mode=mode)  # type: ignore[no-any-return]


def check(encoder: Encoder, obs: NDArray[Any], ages: NDArray[Any]) -> None:
    assert np.allclose(obs, [truth(encoder, age) for age in ages], atol=1e-4), ages


def of_vector(encoder: Encoder, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    return LatentVectorObservation(clocks(mode), encoder, STACK)


def of_workers(encoder: Encoder, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    return LatentVectorObservation(clocks(mode, AsyncVectorEnv), encoder, STACK)


def of_each(encoder: Encoder, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    make = lambda: LatentObservation(make_env(CLOCK), encoder, STACK)  # noqa: E731
    return SyncVectorEnv([make] * N, autoreset_mode=mode)


WRAPPED = pytest.mark.parametrize("wrapped", [of_vector, of_workers, of_each])


@WRAPPED
def test_same_step_shows_the_next_episode_and_the_last_of_the_old(
    encoder: Encoder, wrapped: Any
) -> None:
    env, ages, ends = wrapped(encoder, SAME), np.zeros(N, int), 0
    check(encoder, env.reset(seed=0)[0], ages)
    for _ in range(STEPS):
        obs, rewards, terminated, truncated, info = env.step(np.zeros(N, int))
        ages += 1
        assert rewards.tolist() == ages.tolist()
        for index in np.flatnonzero(terminated | truncated):
            assert np.allclose(info["final_obs"][index], truth(encoder, ages[index]), atol=1e-4)
            ages[index], ends = 0, ends + 1
        check(encoder, obs, ages)
    env.close()
    assert ends > 2 * N


@WRAPPED
def test_next_step_shows_the_last_and_then_the_next_episode(encoder: Encoder, wrapped: Any) -> None:
    """The step that ends an episode shows its end; the one after it, of reward 0, is the reset."""
    env, ages, over = wrapped(encoder, NEXT), np.zeros(N, int), np.zeros(N, bool)
    check(encoder, env.reset(seed=0)[0], ages)
    ends = 0
    for _ in range(STEPS):
        obs, rewards, terminated, truncated, info = env.step(np.zeros(N, int))
        ages = np.where(over, 0, ages + 1)
        assert rewards.tolist() == ages.tolist()
        assert "final_obs" not in info
        check(encoder, obs, ages)
        over = terminated | truncated
        ends += over.sum()
    while not over.any():
        _, _, terminated, truncated, _ = env.step(np.zeros(N, int))
        over = terminated | truncated
    # Nothing is left over of an end: the step after this reset shows no first observation.
    check(encoder, env.reset(seed=1)[0], np.zeros(N))
    obs, *_ = env.step(np.zeros(N, int))
    check(encoder, obs, np.ones(N))
    env.close()
    assert ends > 2 * N


@pytest.mark.parametrize("wrapped", [of_vector, of_workers])
def test_disabled_begins_the_episodes_of_the_mask_alone(encoder: Encoder, wrapped: Any) -> None:
    env, ages, ends = wrapped(encoder, DISABLED), np.zeros(N, int), 0
    check(encoder, env.reset(seed=0)[0], ages)
    for _ in range(STEPS):
        obs, _, terminated, truncated, _ = env.step(np.zeros(N, int))
        ages += 1
        check(encoder, obs, ages)
        over = terminated | truncated
        if over.any():
            ages[over], ends = 0, ends + over.sum()
            check(encoder, env.reset(options={"reset_mask": over})[0], ages)
    env.close()
    assert ends > 2 * N


def test_the_mask_is_left_to_those_who_gave_it(encoder: Encoder) -> None:
    """Gymnasium's own environments remove it, so that statistics around them begin anew for all."""
    counted = gym.wrappers.vector.RecordEpisodeStatistics(of_vector(encoder, DISABLED))
    counted.reset(seed=0)
    counted.step(np.zeros(N, int))
    mask = np.arange(N) == 0
    options = {"reset_mask": mask}
    counted.env.reset(options=options)
    assert options["reset_mask"] is mask
    counted.reset(options=options)
    assert counted.episode_lengths.tolist() == [0] + [1] * (N - 1)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_the_mode_is_visible(encoder: Encoder, mode: AutoresetMode) -> None:
    """torchrl reads the attribute, Gymnasium's wrappers the metadata."""
    env = of_vector(encoder, mode)
    assert env.autoreset_mode is mode  # type: ignore[attr-defined]
    assert env.metadata["autoreset_mode"] is mode
    counted = gym.wrappers.vector.RecordEpisodeStatistics(env)
    counted.reset(seed=0)
    _, _, terminated, truncated, info = counted.step(np.zeros(N, int))
    while not (terminated | truncated).any():
        _, _, terminated, truncated, info = counted.step(np.zeros(N, int))
    over = terminated | truncated
    assert (info["_episode"] == over).all()
    lengths = info["episode"]["l"][over]
    assert (info["episode"]["r"][over] == lengths * (lengths + 1) / 2).all()


def test_what_make_vec_gives_resets_in_the_same_step() -> None:
    env = make_vec(CLOCK, 2, 0)
    assert env.autoreset_mode is SAME  # type: ignore[attr-defined]
    env.close()


def test_stacked_frames_and_actions_begin_anew_too() -> None:
    frames = ObservedVectorEnv(clocks(NEXT), StackedObserver(2))
    acted = ObservedVectorEnv(clocks(NEXT), ActionObserver(2, clocks(NEXT).single_action_space))
    frames.reset(seed=0)
    acted.reset(seed=0)
    ages, over = np.zeros(N, int), np.zeros(N, bool)
    for _ in range(STEPS):
        shown, _, terminated, truncated, _ = frames.step(np.zeros(N, int))
        flags, *_ = acted.step(np.zeros(N, int))
        ages = np.where(over, 0, ages + 1)
        before = np.maximum(ages - 1, 0)
        assert (shown[:, 0, 0, [0, 3]] == 10 * np.stack([before, ages], 1)).all()
        assert (flags[:, [0, 2]] == np.stack([before > 0, ages > 0], 1)).all()
        over = terminated | truncated


def test_who_needs_the_final_observation_at_once_says_so() -> None:
    with pytest.raises(
        WorldvaeError, match=r"autoreset_mode=gymnasium\.vector\.AutoresetMode\.SAME"
    ):
        VectorEnvAdapter(clocks(NEXT))


@pytest.mark.parametrize("metadata", [{}, {"autoreset_mode": "sometimes"}])
def test_an_environment_that_does_not_say_how_it_resets_is_refused(
    encoder: Encoder, metadata: dict[str, Any]
) -> None:
    env = clocks(SAME)
    env.metadata = metadata
    with pytest.raises(WorldvaeError, match=r"does not say how it resets; set its metadata\["):
        LatentVectorObservation(env, encoder)
    env.metadata = {"autoreset_mode": "NextStep"}
    assert autoreset_mode_of(env) is NEXT


@pytest.mark.parametrize("is_below", [True, False])
def test_one_environment_that_goes_on_by_itself_begins_anew(
    encoder: Encoder, is_below: bool
) -> None:
    """Gymnasium's `Autoreset` resets in the step after an end, below the wrapper or above it."""
    below = gym.wrappers.Autoreset(make_env(CLOCK)) if is_below else make_env(CLOCK)
    env: gym.Env[Any, Any] = LatentObservation(below, encoder, STACK)
    env = env if is_below else gym.wrappers.Autoreset(env)
    obs, _ = env.reset(seed=0)
    age, over, ends = 0, False, 0
    for _ in range(STEPS):
        assert np.allclose(obs, truth(encoder, age), atol=1e-4), age
        obs, _, terminated, truncated, _ = env.step(0)
        age = 0 if over else age + 1
        over = terminated or truncated
        ends += over
    assert ends > 2
