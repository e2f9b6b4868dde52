"""Rollouts and latents equal what the environment itself wrote down, whatever it does to us."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.encoders import NETWORK, make_encoder
from tests.odd import ACTIONS, IMAGES, INFOS, KEYS, SIDE, Truth, read_truth
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig, make_env, make_vec
from worldvae.envs.vector import final_observations
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.wrappers.latent import LatentObservation, LatentVectorObservation
from worldvae.wrappers.sb3 import LatentVecEnv, VectorEnvAdapter

FRAME = {"height": SIDE, "width": SIDE}
ODD: dict[str, Any] = {"id": "odd/Odd-v0", "import": "tests.odd", "frame": FRAME, "workers": "sync"}
PROPERTY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder(EnvConfig(**ODD), network=NETWORK)


kinds = st.fixed_dictionaries(
    {
        "actions": st.sampled_from([*ACTIONS]),
        "image": st.sampled_from([*IMAGES]),
        "keys": st.lists(st.sampled_from([*KEYS]), unique=True, max_size=3),
        "info": st.sampled_from([*INFOS]),
        "length": st.integers(1, 7),
        "reuse": st.booleans(),
        "spoil": st.booleans(),
        "pays": st.booleans(),
    }
)
wraps = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["odd/Odd-v0", "odd/Read-v0"]),
        "action_repeat": st.integers(1, 3),
        "give_up_after": st.sampled_from([None, 3]),
    }
)


def odd(truth: Path, kwargs: dict[str, Any], **values: Any) -> EnvConfig:
    image_key = "camera" if kwargs["keys"] else None
    return EnvConfig(
        **{
            **ODD,
            "kwargs": {**kwargs, "truth": str(truth)},
            "image_key": image_key,
            **values,
        }
    )


def content(frames: Sequence[NDArray[np.uint8]], actions: Any, rewards: Any, end: bool) -> Any:
    """An episode as something to look up: two that differ anywhere differ in it."""
    pixels = b"".join(frame.tobytes() for frame in frames)
    return pixels, np.asarray(actions).tobytes(), tuple(rewards), end


def decided(truth: Truth, repeat: int) -> Any:
    """The episode as decisions of `repeat` steps; every step of one has the same action."""
    starts = range(0, len(truth.actions), repeat)
    for start in starts:
        held = truth.actions[start : start + repeat]
        assert all(np.array_equal(action, held[0]) for action in held)
    rewards = [sum(truth.rewards[start : start + repeat]) for start in starts]
    frames = [*truth.levels[:-1:repeat], truth.levels[-1]]
    actions = [truth.actions[start] for start in starts]
    return content(frames, actions, rewards, truth.terminated)


def check_collected(folder: Path, kwargs: dict[str, Any], policies: Any, **values: Any) -> None:
    (folder / "truth").mkdir()
    config = odd(folder / "truth", kwargs, **values)
    store = RolloutStore.create(folder / "rollouts", config)
    collect(store, RolloutConfig(frames=100, num_envs=2, policies=policies), seed=3)
    expected = [
        decided(truth, config.action_repeat)
        for truth in read_truth(folder / "truth")
        if truth.actions
    ]
    found = []
    for record in store.healthy():
        arrays = store.arrays(record)
        assert all(ACTIONS[kwargs["actions"]].contains(action) for action in arrays["action"])
        if "state" in arrays:
            ages = np.minimum(
                np.arange(record.length + 1) * config.action_repeat, arrays["state"][-1]
            )
            assert (arrays["state"][:, 0] == ages).all()
        end = bool(arrays["terminated"][-1])
        found.append(content(list(store.frames(record)), arrays["action"], arrays["reward"], end))
    assert len(found) == len(store.records) > 0
    assert sorted(found) == sorted(expected)


@settings(max_examples=40, **PROPERTY)
@given(kinds, wraps, st.sampled_from(["random", "smooth"]))
def test_rollouts_are_what_the_environment_wrote_down(
    kwargs: dict[str, Any], values: dict[str, Any], policy: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_collected(Path(folder), kwargs, {policy: 1.0}, **values)


@settings(max_examples=4, **PROPERTY)
@given(kinds, wraps)
def test_also_from_processes_of_their_own(kwargs: dict[str, Any], values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        policies = {"random": 1.0, "smooth": 1.0}
        check_collected(Path(folder), kwargs, policies, **values, **{"workers": "async"})


@settings(max_examples=30, **PROPERTY)
@given(kinds)
def test_observations_stay_as_they_were_given(kwargs: dict[str, Any]) -> None:
    """They equal those of a twin that gives new arrays and leaves actions alone."""
    with tempfile.TemporaryDirectory() as folder:
        env = make_env(odd(Path(folder), kwargs))
        twin = make_env(odd(Path(folder), {**kwargs, "reuse": False, "spoil": False}))
        played = [(env.reset(seed=4)[0], twin.reset(seed=4)[0])]
        env.action_space.seed(0)
        for _ in range(9):
            action = env.action_space.sample()
            (obs, _, over, _, info), step = env.step(action), twin.step(action)
            played.append((obs, step[0]))
            assert env.observation_space.contains(obs)
            assert set(info) <= {"is_success"}
            if over:
                played.append((env.reset()[0], twin.reset()[0]))
        assert all(np.array_equal(flat(mine), flat(other)) for mine, other in played)
        assert len({flat(mine).tobytes() for mine, _ in played}) == len(played)


@settings(max_examples=20, **PROPERTY)
@given(kinds, st.integers(1, 3))
def test_latents_are_those_of_what_the_environment_wrote_down(
    encoder: Encoder, kwargs: dict[str, Any], stack: int
) -> None:
    """Of every step and every last frame, behind each of the three wrappers."""
    with tempfile.TemporaryDirectory() as folder:
        config = odd(Path(folder) / "truth", {**kwargs, "pays": True})
        (Path(folder) / "truth").mkdir()
        vec = make_vec(config, 1, seed=5)
        door = VectorEnvAdapter(make_vec(odd(Path(folder), kwargs), 1, seed=5))
        arguments = {"encoder": encoder, "stack": stack, "image_key": config.image_key}
        env = LatentVectorObservation(vec, **arguments)
        sb3 = LatentVecEnv(door, **arguments)
        alone = LatentObservation(make_env(odd(Path(folder), kwargs)), **arguments)
        seen, theirs = [latents(env.reset()[0])[0]], [latents(sb3.reset())[0]]
        own = [latents(alone.reset(seed=5)[0])]
        for _ in range(12):
            action = alone.action_space.sample()
            obs, _, _, _, info = env.step(np.array([action]))
            last, _, ended, _, _ = alone.step(action)
            shown, _, _, infos = sb3.step(np.array([action]))
            own.append(latents(last))
            if ended:
                seen.append(latents(info["final_obs"][0]))
                theirs.append(latents(infos[0]["terminal_observation"]))
                own.append(latents(alone.reset()[0]))
            seen.append(latents(obs)[0])
            theirs.append(latents(shown)[0])
        frames = [np.stack(truth.levels) for truth in read_truth(Path(folder) / "truth")]
        expected = np.concatenate([stacked(encoder, episode, stack) for episode in frames])
        for found in (seen, theirs, own):
            np.testing.assert_allclose(np.stack(found), expected, atol=1e-4)


def latents(obs: Any) -> NDArray[np.float32]:
    latents: NDArray[np.float32] = obs["camera"] if isinstance(obs, dict) else obs
    return latents


def stacked(encoder: Encoder, frames: NDArray[np.uint8], stack: int) -> NDArray[np.float32]:
    """What is to be seen in an episode: (T + 1, H, W, C) -> (T + 1, stack Z)."""
    codes = encoder.whiten(encoder.encode(frames))
    past = [np.concatenate([codes[:1]] * back + [codes])[: len(codes)] for back in range(stack)]
    return np.concatenate(past[::-1], axis=1)


def flat(obs: Any) -> NDArray[np.float64]:
    parts = [obs[key] for key in sorted(obs)] if isinstance(obs, dict) else [obs]
    return np.concatenate([np.ravel(part).astype(np.float64) for part in parts])


@pytest.mark.parametrize("workers", ["sync", "async"])
def test_keys_beside_the_image_are_those_of_its_moment(tmp_path: Path, workers: str) -> None:
    """Also in final observations, and encoded alike: one-hot, flat, images as they are."""
    keys = ["gear", "speed", "rear", "map"]
    vec = make_vec(odd(tmp_path, {"keys": keys, "length": 4}, workers=workers), 2, seed=0)
    obs, _ = vec.reset()
    shown = [{key: value[0] for key, value in obs.items()}]
    for _ in range(8):
        obs, _, _, _, info = vec.step(np.zeros(2, int))
        ended, finals = final_observations(info, 2)
        shown += [final for index, final in zip(ended, finals, strict=True) if index == 0]
        shown.append({key: value[0] for key, value in obs.items()})
    vec.close()
    assert len(shown) == 10, "nine moments, one of them the last of an episode"
    truth = [moment for episode in read_truth(tmp_path) for moment in episode.keys]
    for moment in shown:
        (match,) = [one for one in truth if np.array_equal(one["rear"], moment["rear"])]
        assert moment["gear"].tolist() == np.eye(4)[match["gear"] - 1].tolist()
        assert moment["speed"].tolist() == match["speed"].tolist()
        assert np.allclose(moment["map"], match["map"].reshape(-1) / 255)
