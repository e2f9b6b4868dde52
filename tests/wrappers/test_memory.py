"""Latents and memory: equal in all wrappers, and to a computation of one step after the other."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from numpy.typing import NDArray
from stable_baselines3.common.env_checker import check_env as sb3_check
from stable_baselines3.common.vec_env import DummyVecEnv

from tests.dynamics_folders import make_dynamics
from tests.encoders import DOTS, NETWORK, make_encoder
from tests.odd import ACTIONS
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.envs import EnvConfig, make_env, make_vec
from worldvae.envs.actions import EnvActions, agent_actions
from worldvae.envs.observations import image_of
from worldvae.envs.vector import final_observations
from worldvae.envs.wrappers import ActionRepeat
from worldvae.errors import WorldvaeError
from worldvae.wrappers.latent import LatentObservation, LatentVectorObservation
from worldvae.wrappers.latent_observer import FrameEncoder
from worldvae.wrappers.memory import MemoryEncoder
from worldvae.wrappers.sb3 import LatentVecEnv, VectorEnvAdapter

Z, M, N = NETWORK.latents, 6, 3
CLOCK = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
CAMERA = CLOCK.model_copy(update={"kwargs": {"as_dict": True}, "image_key": "camera"})
SPEED = (KeyUnits(name="speed", mean=(2.0,), std=(4.0,)),)
SAME, NEXT, DISABLED = AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED


class Folders:
    """An encoder and dynamics of one environment on disk."""

    def __init__(
        self, env: EnvConfig, folder: Path, keys: tuple[KeyUnits, ...] = (), **config: Any
    ) -> None:
        self.env, self.encoder, self.dynamics = env, folder / "encoder", folder / "dynamics"
        make_encoder(env, **config).save(self.encoder)
        make_dynamics(env, self.encoder, self.dynamics, keys, memory=M)
        self.keys = keys

    @property
    def arguments(self) -> dict[str, Any]:
        key = self.env.image_key
        return {"encoder": self.encoder, "image_key": key, "dynamics": self.dynamics}


class Course:
    """The course of one environment, computed alone: each frame and action after the other."""

    def __init__(self, folders: Folders) -> None:
        self._encoder = Encoder.load(folders.encoder)
        self._model, card = load_dynamics(folders.dynamics)
        self._actions: PolicyActions = card.actions
        self._key, self._keys = folders.env.image_key, folders.keys
        self._state, self._frames = self._model.initial(1), list[Any]()

    def observe(self, observation: Any, action: Any = None) -> NDArray[np.float32]:
        """What is to be seen of an observation that `action` led to; None: an episode begins."""
        frame = image_of(observation, self._key)
        stack = self._encoder.stack
        self._frames = [frame] * stack if action is None else [*self._frames, frame]
        inputs = np.concatenate(self._frames[-stack:], axis=-1)
        latents = self._encoder.whiten(self._encoder.encode(inputs[None]))[0]
        values = [(observation[key.name] - 2) / 4 for key in self._keys]
        code = torch.from_numpy(np.concatenate([latents, *values]).astype(np.float32))
        taken = np.zeros(1, int) if action is None else np.array([action])
        encoded = torch.from_numpy(self._actions.encode(taken))
        start = torch.tensor([action is None])
        self._state = self._model.observe(self._state, code[None], encoded, start)
        return np.concatenate([latents, self._model.memory(self._state)[0].numpy()])


@pytest.fixture(scope="module", params=[1, 2], ids=["one frame", "two frames"])
def dots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    network = NETWORK.model_copy(update={"stack": request.param})
    return Folders(DOTS, tmp_path_factory.mktemp("dots"), network=network)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(CLOCK, tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(CAMERA, tmp_path_factory.mktemp("camera"), SPEED)


def test_every_wrapper_gives_the_latents_and_memory_of_the_course(dots: Folders) -> None:
    """Three wrappers to the bit, and each environment computed alone, over many episode ends."""
    frames_env = make_vec(DOTS, N, seed=1)
    vector = LatentVectorObservation(make_vec(DOTS, N, seed=1), **dots.arguments)
    adapted = VectorEnvAdapter(LatentVectorObservation(make_vec(DOTS, N, seed=1), **dots.arguments))
    venv = LatentVecEnv(VectorEnvAdapter(make_vec(DOTS, N, seed=1)), **dots.arguments)
    assert vector.single_observation_space.shape == (Z + M,)
    frames, _ = frames_env.reset()
    courses = [Course(dots) for _ in range(N)]
    truth = [course.observe(frame) for course, frame in zip(courses, frames, strict=True)]
    observations = [vector.reset()[0], adapted.reset(), venv.reset()]
    generator, ends = np.random.default_rng(0), 0
    for _ in range(150):
        for obs in observations:
            assert np.array_equal(obs, observations[0])
            np.testing.assert_allclose(obs, truth, atol=1e-5)
        action = generator.integers(0, 5, N)
        frames, *_, info = frames_env.step(action)
        stepped = [vector.step(action), adapted.step(action), venv.step(action)]
        observations = [step[0] for step in stepped]
        finals = dict(zip(*final_observations(info, N), strict=True))
        for index, course in enumerate(courses):
            if index not in finals:
                truth[index] = course.observe(frames[index], action[index])
                continue
            last, ends = course.observe(finals[index], action[index]), ends + 1
            shown = [stepped[0][4]["final_obs"][index]]
            shown += [infos[index]["terminal_observation"] for *_, infos in stepped[1:]]
            for final in shown:
                np.testing.assert_allclose(final, last, atol=1e-5)
            courses[index] = Course(dots)
            truth[index] = courses[index].observe(frames[index])
    assert ends > 2 * N


def test_one_environment_has_the_bits_of_its_course(dots: Folders) -> None:
    plain, wrapped = make_env(DOTS), LatentObservation(make_env(DOTS), **dots.arguments)
    for seed in (0, 1):
        course = Course(dots)
        expected = course.observe(plain.reset(seed=seed)[0])
        found, _ = wrapped.reset(seed=seed)
        for action in (1, 2, 3, 3, 4, 0):
            assert np.array_equal(found, expected)
            expected = course.observe(plain.step(action)[0], action)
            found, *_ = wrapped.step(action)
        assert np.array_equal(found, expected)


def test_the_memory_knows_what_was_done_and_not_what_is_shown(dots: Folders) -> None:
    """It differs by the action, and with the same past it is the same, whatever the frame."""
    seen = []
    for action in (0, 1):
        env = LatentObservation(make_env(DOTS), **dots.arguments)
        first, _ = env.reset(seed=3)
        seen.append(env.step(action)[0])
    assert not np.allclose(seen[0][Z:], seen[1][Z:], atol=1e-3)
    other, _ = LatentObservation(make_env(DOTS), **dots.arguments).reset(seed=4)
    assert not np.allclose(other[:Z], first[:Z], atol=1e-3)
    assert np.array_equal(other[Z:], first[Z:])


def clocks(
    mode: AutoresetMode, kind: Callable[..., Any] = SyncVectorEnv
) -> VectorEnv[Any, Any, Any]:
    return kind([lambda: make_env(CLOCK)] * N, autoreset_mode=mode)  # type: ignore[no-any-return]


def of_vector(folders: Folders, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    return LatentVectorObservation(clocks(mode), **folders.arguments)


def of_workers(folders: Folders, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    return LatentVectorObservation(clocks(mode, AsyncVectorEnv), **folders.arguments)


def of_each(folders: Folders, mode: AutoresetMode) -> VectorEnv[Any, Any, Any]:
    make = lambda: LatentObservation(make_env(CLOCK), **folders.arguments)  # noqa: E731
    return SyncVectorEnv([make] * N, autoreset_mode=mode)


def clock_frame(age: int) -> NDArray[np.uint8]:
    return np.full((64, 64, 3), 10 * age, np.uint8)


class Clocks:
    """What is to be seen of N clocks, whose frames follow from their ages alone."""

    def __init__(self, folders: Folders) -> None:
        self._folders, self.ages = folders, np.zeros(N, int)
        self._courses = [Course(folders) for _ in range(N)]
        self.expected = [course.observe(clock_frame(0)) for course in self._courses]

    def go_on(self, index: int, action: int) -> None:
        self.ages[index] += 1
        frame = clock_frame(int(self.ages[index]))
        self.expected[index] = self._courses[index].observe(frame, action)

    def begin(self, index: int) -> None:
        self.ages[index], self._courses[index] = 0, Course(self._folders)
        self.expected[index] = self._courses[index].observe(clock_frame(0))

    def check(self, shown: Any) -> None:
        np.testing.assert_allclose(shown, self.expected, atol=1e-5)


@pytest.mark.parametrize("wrapped", [of_vector, of_workers, of_each])
def test_next_step_ignores_the_action_after_an_end(clock: Folders, wrapped: Any) -> None:
    env, truth, over, ends = wrapped(clock, NEXT), Clocks(clock), np.zeros(N, bool), 0
    generator = np.random.default_rng(0)
    truth.check(env.reset(seed=0)[0])
    for _ in range(40):
        actions = generator.integers(0, 2, N)
        obs, _, terminated, truncated, _ = env.step(actions)
        for index in range(N):
            truth.begin(index) if over[index] else truth.go_on(index, actions[index])
        truth.check(obs)
        over = terminated | truncated
        ends += over.sum()
    env.close()
    assert ends > 2 * N


@pytest.mark.parametrize("wrapped", [of_vector, of_workers])
def test_disabled_begins_the_memory_of_the_mask_alone(clock: Folders, wrapped: Any) -> None:
    env, truth, ends = wrapped(clock, DISABLED), Clocks(clock), 0
    generator = np.random.default_rng(0)
    truth.check(env.reset(seed=0)[0])
    for _ in range(40):
        actions = generator.integers(0, 2, N)
        obs, _, terminated, truncated, _ = env.step(actions)
        for index in range(N):
            truth.go_on(index, actions[index])
        truth.check(obs)
        over = terminated | truncated
        if over.any():
            for index in np.flatnonzero(over):
                truth.begin(int(index))
            truth.check(env.reset(options={"reset_mask": over.copy()})[0])
            ends += over.sum()
    env.close()
    assert ends > 2 * N


def test_of_a_dict_the_keys_advance_the_memory_and_stay(camera: Folders) -> None:
    env = LatentVectorObservation(make_vec(CAMERA, 2, 0), **camera.arguments)
    venv = LatentVecEnv(VectorEnvAdapter(make_vec(CAMERA, 2, 0)), **camera.arguments)
    plain = make_vec(CAMERA, 2, 0)
    assert env.single_observation_space["camera"].shape == (Z + M,)  # type: ignore[index]
    shown, obs, again = plain.reset()[0], env.reset()[0], venv.reset()
    each = lambda batch, index: {key: value[index] for key, value in batch.items()}  # noqa: E731
    courses = [Course(camera) for _ in range(2)]
    expected = [course.observe(each(shown, i)) for i, course in enumerate(courses)]
    ends = 0
    for _ in range(30):
        np.testing.assert_allclose(obs["camera"], expected, atol=1e-5)
        assert np.array_equal(again["camera"], obs["camera"])
        assert np.array_equal(obs["speed"], shown["speed"])
        shown, *_, truth = plain.step(np.ones(2, int))
        obs, *_, info = env.step(np.ones(2, int))
        again, _, _, infos = venv.step(np.ones(2, int))
        finals = dict(zip(*final_observations(truth, 2), strict=True))
        for index, course in enumerate(courses):
            if index not in finals:
                expected[index] = course.observe(each(shown, index), 1)
                continue
            last, ends = course.observe(finals[index], 1), ends + 1
            np.testing.assert_allclose(info["final_obs"][index]["camera"], last, atol=1e-5)
            final = infos[index]["terminal_observation"]["camera"]
            np.testing.assert_allclose(final, last, atol=1e-5)
            courses[index] = Course(camera)
            expected[index] = courses[index].observe(each(shown, index))
    assert ends > 4


def test_checkers_of_both_libraries_pass(dots: Folders, camera: Folders) -> None:
    for folders in (dots, camera):
        wrapped = LatentObservation(make_env(folders.env), **folders.arguments)
        gymnasium_check(wrapped, skip_render_check=True)
        sb3_check(LatentObservation(make_env(folders.env), **folders.arguments))


def test_the_spec_names_the_folder(dots: Folders) -> None:
    env = LatentObservation(gym.make("worldvae/Dots-v0"), **dots.arguments)
    assert env.spec is not None
    made = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert np.array_equal(made.reset(seed=3)[0], env.reset(seed=3)[0])


def one(env: EnvConfig, **arguments: Any) -> Any:
    return LatentObservation(make_env(env), **arguments)


def vector(env: EnvConfig, **arguments: Any) -> Any:
    return LatentVectorObservation(make_vec(env, 1, 0), **arguments)


def vec_env(env: EnvConfig, **arguments: Any) -> Any:
    return LatentVecEnv(VectorEnvAdapter(make_vec(env, 1, 0)), **arguments)


WRAPPERS = pytest.mark.parametrize("wrap", [one, vector, vec_env])


@WRAPPERS
def test_another_encoder_is_refused(dots: Folders, tmp_path: Path, wrap: Any) -> None:
    make_encoder(DOTS, network=NETWORK.model_copy(update={"latents": 7})).save(tmp_path)
    with pytest.raises(WorldvaeError, match=r"not the encoder whose latents the dynamics in"):
        wrap(DOTS, **{**dots.arguments, "encoder": tmp_path})
    with pytest.raises(WorldvaeError, match=r"give the folder of the encoder"):
        wrap(DOTS, **{**dots.arguments, "encoder": make_encoder(DOTS)})
    loaded = Encoder.load(dots.encoder)
    assert wrap(DOTS, **{**dots.arguments, "encoder": loaded}).observation_space.shape[-1] == Z + M


@WRAPPERS
def test_latents_are_whitened_and_not_stacked(dots: Folders, wrap: Any) -> None:
    with pytest.raises(WorldvaeError, match=r"read whitened latents: set whiten to true"):
        wrap(DOTS, **dots.arguments, whiten=False)
    with pytest.raises(WorldvaeError, match=r"stack = 4: with dynamics the memory holds the past"):
        wrap(DOTS, **dots.arguments, stack=4)
    assert wrap(DOTS, **dots.arguments, stack=1).observation_space.shape[-1] == Z + M


@WRAPPERS
def test_no_dynamics_are_one_line(dots: Folders, wrap: Any) -> None:
    missing = {"dynamics": dots.encoder.parent / "none"}
    with pytest.raises(WorldvaeError, match=r"no such folder; did you mean .*/dynamics"):
        wrap(DOTS, **{**dots.arguments, **missing})


def test_other_actions_are_refused(dots: Folders) -> None:
    env = make_env(DOTS)
    env.action_space = spaces.Discrete(3)
    with pytest.raises(
        WorldvaeError, match=r"know the actions Discrete\(5\), .* has Discrete\(3\)"
    ):
        LatentObservation(env, **dots.arguments)


@WRAPPERS
def test_a_missing_key_is_refused(camera: Folders, tmp_path: Path, wrap: Any) -> None:
    make_dynamics(CAMERA, camera.encoder, tmp_path, (KeyUnits(name="fuel", mean=(0,), std=(1,)),))
    with pytest.raises(WorldvaeError, match=r"read the key 'fuel', 1 numbers; .* no such key"):
        wrap(CAMERA, **{**camera.arguments, "dynamics": tmp_path})


def test_actions_that_begin_elsewhere_are_those_of_the_agent(tmp_path: Path, dots: Folders) -> None:
    """A raw environment that counts its actions from 7 advances the memory as one from 0."""

    class FromSeven(gym.ActionWrapper[Any, Any, Any]):
        def __init__(self) -> None:
            super().__init__(make_env(DOTS))
            self.action_space = spaces.Discrete(5, start=7)

        def action(self, action: Any) -> Any:
            return action - 7

    ours = LatentObservation(make_env(DOTS), **dots.arguments)
    with pytest.warns(UserWarning, match=r"takes Discrete\(5, start=7\), .* act in Discrete\(5\)"):
        theirs = LatentObservation(FromSeven(), **dots.arguments)
    assert np.array_equal(ours.reset(seed=2)[0], theirs.reset(seed=2)[0])
    for action in (3, 1, 4):
        assert np.array_equal(ours.step(action)[0], theirs.step(action + 7)[0])


@pytest.mark.parametrize("kind", ACTIONS)
def test_the_memory_reads_what_the_environment_took(tmp_path: Path, kind: str) -> None:
    """Whatever the policy chose, it is advanced by the action that rollouts would record."""
    odd = EnvConfig(**{"id": "odd/Odd-v0", "import": "tests.odd", "kwargs": {"actions": kind}})
    folders = Folders(odd, tmp_path)
    env = LatentObservation(make_env(odd), **folders.arguments)
    own, chooses = env.get_wrapper_attr("env_action_space"), env.action_space
    chooses.seed(0)
    for seed in range(4):
        chosen = chooses.sample()
        taken = agent_actions(EnvActions(own).batch(chosen[None]), own)[0]
        seen = []
        for action in (chosen, taken):
            env.reset(seed=seed)
            seen.append(env.step(action)[0][Z:])
        assert np.array_equal(*seen)


@pytest.mark.parametrize("kind", ACTIONS)
def test_dynamics_know_the_actions_of_their_dream(tmp_path: Path, kind: str) -> None:
    """Its space holds float32, and numbers where the environment takes whole ones."""
    odd = EnvConfig(**{"id": "odd/Odd-v0", "import": "tests.odd", "kwargs": {"actions": kind}})
    folders = Folders(odd, tmp_path)
    _, card = load_dynamics(folders.dynamics)
    frames = FrameEncoder(folders.encoder, True, odd.frame, None)
    assert MemoryEncoder(folders.dynamics, frames, card.actions.space, 1).size == M
    own = make_env(odd).get_wrapper_attr("env_action_space")
    with warnings.catch_warnings():  # as reports do, which read recorded actions and play nothing
        warnings.simplefilter("error")
        assert MemoryEncoder(folders.dynamics, frames, own, 1).size == M


def wrapped(kind: str, env: EnvConfig, folders: Folders) -> Any:
    """An environment of `env` in each wrapper, made in each way."""
    makers: dict[str, Callable[[], Any]] = {
        "one": lambda: LatentObservation(make_env(env), **folders.arguments),
        "vector": lambda: LatentVectorObservation(make_vec(env, 2, 0), **folders.arguments),
        "gymnasium's": lambda: LatentVectorObservation(
            SyncVectorEnv([lambda: make_env(env)] * 2, autoreset_mode=SAME), **folders.arguments
        ),
        "sb3": lambda: LatentVecEnv(VectorEnvAdapter(make_vec(env, 2, 0)), **folders.arguments),
        "sb3 of gymnasium's": lambda: LatentVecEnv(
            VectorEnvAdapter(SyncVectorEnv([lambda: make_env(env)] * 2, autoreset_mode=SAME)),
            **folders.arguments,
        ),
        "sb3 of a wrapper": lambda: LatentVecEnv(
            VectorEnvAdapter(RecordEpisodeStatistics(make_vec(env, 2, 0))), **folders.arguments
        ),
        "sb3's": lambda: LatentVecEnv(DummyVecEnv([lambda: make_env(env)]), **folders.arguments),
        "raw": lambda: LatentObservation(gym.make(env.id), **folders.arguments),
        "raw vector": lambda: LatentVectorObservation(
            gym.make_vec(env.id, 2, vectorization_mode="sync"), **folders.arguments
        ),
        "repeated": lambda: LatentObservation(
            ActionRepeat(gym.make(env.id), env.action_repeat), **folders.arguments
        ),
    }
    return makers[kind]()


MADE = ["one", "vector", "gymnasium's", "sb3", "sb3 of gymnasium's", "sb3 of a wrapper", "sb3's"]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    twice = DOTS.model_copy(update={"action_repeat": 2})
    return Folders(twice, tmp_path_factory.mktemp("repeated"))


@pytest.mark.parametrize("kind", [*MADE, "repeated"])
def test_decisions_of_other_steps_are_refused(repeated: Folders, kind: str) -> None:
    """Whose memory the dynamics would advance by half of what happened, or by twice as much."""
    for repeat in (1, 3):
        other = DOTS.model_copy(update={"action_repeat": repeat})
        words = f"know decisions of 2 steps, this environment takes {repeat}; set env.action_repeat"
        with pytest.raises(WorldvaeError, match=words):
            wrapped(kind, other, repeated)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*decisions of")
        assert wrapped(kind, repeated.env, repeated) is not None


@pytest.mark.parametrize("kind", ["raw", "raw vector"])
def test_where_nobody_knows_the_steps_it_is_said(
    dots: Folders, repeated: Folders, kind: str
) -> None:
    with pytest.warns(UserWarning, match=r"decisions of 2 steps, and .*ActionRepeat"):
        wrapped(kind, repeated.env, repeated)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*decisions of")
        assert wrapped(kind, DOTS, dots) is not None
