"""Equal latents on equal frames in all wrappers, terminal observations included."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from stable_baselines3.common.env_checker import check_env as sb3_check
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from tests.encoders import DOTS, NETWORK, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.pixel_error import GaussianPixels
from worldvae.envs import Crop, EnvConfig, FrameConfig, make_env, make_vec
from worldvae.envs.dots import DotsEnv
from worldvae.envs.vector import final_observations
from worldvae.wrappers.latent import LatentObservation, LatentVectorObservation
from worldvae.wrappers.observer import StackedObserver
from worldvae.wrappers.sb3 import LatentVecEnv, VectorEnvAdapter
from worldvae.wrappers.stack import ObservedVectorEnv

STACK = 3


@pytest.fixture(scope="module", params=[1, 2], ids=["one frame", "two frames"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """An encoder of one frame, and one whose input is two in a row."""
    return make_encoder(DOTS, network=NETWORK.model_copy(update={"stack": request.param}))


def expected(encoder: Encoder, frames: list[Any]) -> Any:
    """The last STACK of `frames`, each encoded alone; the first repeated where there are fewer.

    An encoder of two frames reads each with the one before it.
    """
    padded = [frames[0]] * (STACK + 1) + frames
    latents = []
    for newest in range(len(padded) - STACK + 1, len(padded) + 1):
        inputs = np.concatenate(padded[newest - encoder.stack : newest], axis=-1)
        latents.append(encoder.whiten(encoder.encode(inputs[None]))[0])
    return np.concatenate(latents)


def test_every_wrapper_gives_the_latents_of_the_frames(encoder: Encoder) -> None:
    """Three wrappers and the frames themselves, side by side over many episode ends."""
    n, steps = 3, 150
    frames_env = make_vec(DOTS, n, seed=1)
    vector = LatentVectorObservation(make_vec(DOTS, n, seed=1), encoder, STACK)
    adapted = VectorEnvAdapter(LatentVectorObservation(make_vec(DOTS, n, seed=1), encoder, STACK))
    venv = LatentVecEnv(VectorEnvAdapter(make_vec(DOTS, n, seed=1)), encoder, STACK)
    frames, _ = frames_env.reset()
    seen = [[frame] for frame in frames]
    observations = [vector.reset()[0], adapted.reset(), venv.reset()]
    generator = np.random.default_rng(0)
    terminated_some = truncated_some = False
    for _ in range(steps):
        truth = [expected(encoder, own) for own in seen]
        for obs in observations:
            assert np.allclose(obs, truth, atol=1e-4)
        action = generator.integers(0, 5, n)
        frames, _, terminated, truncated, info = frames_env.step(action)
        stepped = [vector.step(action), adapted.step(action), venv.step(action)]
        observations = [step[0] for step in stepped]
        for index, final in zip(*final_observations(info, n), strict=True):
            last = expected(encoder, [*seen[index], final])
            assert np.allclose(stepped[0][4]["final_obs"][index], last, atol=1e-4)
            for infos in (stepped[1][3], stepped[2][3]):
                assert np.allclose(infos[index]["terminal_observation"], last, atol=1e-4)
                is_cut = bool(truncated[index] and not terminated[index])
                assert infos[index]["TimeLimit.truncated"] == is_cut
            seen[index] = []
        for own, frame in zip(seen, frames, strict=True):
            own.append(frame)
        terminated_some |= terminated.any()
        truncated_some |= truncated.any()
    assert terminated_some
    assert truncated_some


def test_single_environment_gives_the_latents_of_the_frames(encoder: Encoder) -> None:
    plain, latent = make_env(DOTS), LatentObservation(make_env(DOTS), encoder, STACK)
    for seed in (0, 1):
        frame, _ = plain.reset(seed=seed)
        obs, _ = latent.reset(seed=seed)
        seen = [frame]
        for action in (1, 2, 3, 4, 0):
            assert np.allclose(obs, expected(encoder, seen), atol=1e-4)
            frame, *_ = plain.step(action)
            obs, *_ = latent.step(action)
            seen.append(frame)


def test_checkers_of_both_libraries_pass(encoder: Encoder) -> None:
    env = LatentObservation(make_env(DOTS), encoder)
    gymnasium_check(env, skip_render_check=True)
    sb3_check(LatentObservation(make_env(DOTS), encoder))


def test_a_raw_environment_is_preprocessed_as_the_card_says(tmp_path: Path) -> None:
    config = EnvConfig(
        id="worldvae/Dots-v0",
        frame=FrameConfig(height=40, width=32, crop=Crop(top=2), color="gray"),
    )
    encoder = make_encoder(config)
    encoder.save(tmp_path)
    raw = LatentObservation(gym.make("worldvae/Dots-v0"), tmp_path)
    ours = LatentObservation(make_env(config), str(tmp_path))
    assert np.allclose(raw.reset(seed=3)[0], ours.reset(seed=3)[0], atol=1e-5)
    for kind in (DummyVecEnv, SubprocVecEnv):
        venv = LatentVecEnv(kind([DotsEnv] * 2), tmp_path)
        venv.seed(3)
        assert np.allclose(venv.reset()[0], ours.reset(seed=3)[0], atol=1e-5)
        venv.close()


CROPPED = DOTS.model_copy(update={"frame": FrameConfig(height=40, width=40, crop=Crop(top=8))})


def of_gymnasium(kind: type[Any]) -> Any:
    return kind([lambda: make_env(CROPPED)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)


READY: dict[str, Callable[[], Any]] = {
    "ours": lambda: make_vec(CROPPED, 2, 0),
    "ours in theirs": lambda: RecordEpisodeStatistics(make_vec(CROPPED, 2, 0)),
    "sync": lambda: of_gymnasium(SyncVectorEnv),
    "async": lambda: of_gymnasium(AsyncVectorEnv),
    "sync in theirs": lambda: RecordEpisodeStatistics(of_gymnasium(SyncVectorEnv)),
}


@pytest.mark.parametrize("make", READY.values(), ids=READY)
def test_ready_made_environments_are_not_preprocessed_again(make: Callable[[], Any]) -> None:
    """Whatever lies between; nor can the shape tell, since source and frame have the same."""
    encoder = make_encoder(CROPPED)
    ours = LatentVectorObservation(make_vec(CROPPED, 2, 0), encoder).reset(seed=3)[0]
    theirs = LatentVectorObservation(make(), encoder)
    assert np.allclose(theirs.reset(seed=3)[0], ours, atol=1e-5)
    theirs.close()
    adapted = LatentVecEnv(VectorEnvAdapter(make()), encoder)
    adapted.seed(3)
    assert np.allclose(adapted.reset(), ours, atol=1e-5)
    adapted.close()


REAR = EnvConfig(
    **{"id": "odd/Odd-v0", "import": "tests.odd", "workers": "sync"},
    kwargs={"keys": ("rear",), "reuse": False},
    image_key="rear",
    frame=FrameConfig(height=40, width=40, crop=Crop(top=8)),
)
FRONT = REAR.model_copy(update={"image_key": "camera"})
CAMERAS: dict[str, Callable[[Encoder], Any]] = {
    "of one": lambda rear: SyncVectorEnv(
        [lambda: LatentObservation(make_env(FRONT), rear, image_key="rear")],
        autoreset_mode=AutoresetMode.SAME_STEP,
    ),
    "of ours": lambda rear: LatentVectorObservation(make_vec(FRONT, 1, 0), rear, image_key="rear"),
    "of theirs": lambda rear: LatentVectorObservation(
        SyncVectorEnv([lambda: make_env(FRONT)], autoreset_mode=AutoresetMode.SAME_STEP),
        rear,
        image_key="rear",
    ),
}


@pytest.mark.parametrize("make", CAMERAS.values(), ids=CAMERAS)
def test_a_second_camera_is_preprocessed_as_its_encoders_card_says(
    make: Callable[[Encoder], Any],
) -> None:
    """`make_env` prepares one image alone; nor can the shape tell, which both have."""
    rear = make_encoder(REAR)
    alone = LatentVectorObservation(make_vec(REAR, 1, 0), rear, image_key="rear")
    expected = alone.reset(seed=3)[0]["rear"]
    assert np.allclose(make(rear).reset(seed=3)[0]["rear"], expected, atol=1e-5)
    raw = LatentVecEnv(VectorEnvAdapter(make_vec(FRONT, 1, 0)), rear, image_key="rear")
    raw.seed(3)
    assert np.allclose(raw.reset()["rear"], expected, atol=1e-5)  # type: ignore[call-overload]


def test_whitened_latents_of_the_training_frames_have_mean_0_and_deviation_1() -> None:
    # Plain pixels: 160 frames of dots leave most pixels without a unit.
    encoder = make_encoder(DOTS, pixels=GaussianPixels(standardise=False))
    env = LatentVectorObservation(make_vec(DOTS, 8, seed=0), encoder, stack=1)
    env.reset()
    env.action_space.seed(0)
    rows = [env.step(env.action_space.sample())[0] for _ in range(200)]
    latents = np.concatenate(rows)
    assert np.abs(latents.mean(axis=0)).max() < 0.6
    assert 0.5 < np.median(latents.std(axis=0)) < 1.5


def test_of_a_dict_the_image_becomes_latents_and_the_rest_stays() -> None:
    config = EnvConfig(
        **{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"},
        kwargs={"as_dict": True},
        image_key="camera",
    )
    encoder = make_encoder(config)
    env = LatentVectorObservation(make_vec(config, 2, 0), encoder, 2, image_key="camera")
    obs, _ = env.reset()
    assert env.observation_space.contains(obs)
    assert obs["camera"].shape == (2, 2 * encoder.latents)
    while True:
        obs, *_, info = env.step(np.zeros(2, int))
        ended, finals = final_observations(info, 2)
        if len(ended):
            break
    assert finals[0]["camera"].shape == (2 * encoder.latents,)
    assert finals[0]["speed"] >= 3


def test_pixels_are_stacked_with_final_observations() -> None:
    env = ObservedVectorEnv(make_vec(DOTS, 2, seed=0), StackedObserver(2))
    plain = make_vec(DOTS, 2, seed=0)
    before, _ = plain.reset()
    obs, _ = env.reset()
    assert obs.shape == (2, 32, 32, 6)
    for _ in range(80):
        action = env.action_space.sample()
        obs, *_, info = env.step(action)
        frames, *_, truth = plain.step(action)
        for index, final in zip(*final_observations(truth, 2), strict=True):
            stacked = np.concatenate([before[index], final], axis=-1)
            assert (info["final_obs"][index] == stacked).all()
        before = frames
        assert (obs[..., 3:] == frames).all()


@pytest.mark.parametrize("config", [None, DOTS.model_copy(update={"action_repeat": 2})])
def test_a_path_keeps_the_spec_serialisable(config: EnvConfig | None, tmp_path: Path) -> None:
    """Of a raw environment, and of one of `make_env` whose state a reader tells."""
    make_encoder(DOTS).save(tmp_path)
    inner = gym.make("worldvae/Dots-v0") if config is None else make_env(config)
    env = LatentObservation(inner, tmp_path, STACK)
    assert env.spec is not None
    again = EnvSpec.from_json(env.spec.to_json())
    for spec in (env.spec, again):
        made = gym.make(spec)
        assert np.array_equal(made.reset(seed=3)[0], env.reset(seed=3)[0])
        for ours, again in zip(made.step(1), env.step(1), strict=True):
            np.testing.assert_equal(ours, again)


def test_a_registered_environment_comes_wrapped(tmp_path: Path) -> None:
    make_encoder(DOTS).save(tmp_path)
    wrapper = LatentObservation.wrapper_spec(encoder=tmp_path, stack=STACK)
    gym.register(
        "tests/LatentDots-v0", "worldvae.envs.dots:DotsEnv", additional_wrappers=(wrapper,)
    )
    try:
        ours = LatentObservation(DotsEnv(), tmp_path, STACK)
        made = gym.make("tests/LatentDots-v0")
        assert np.array_equal(made.reset(seed=3)[0], ours.reset(seed=3)[0])
        assert '"encoder": "' in made.spec.to_json()  # type: ignore[union-attr]
        many = gym.make_vec("tests/LatentDots-v0", 2, vectorization_mode="sync")
        assert many.reset(seed=3)[0].shape == (2, STACK * NETWORK.latents)
    finally:
        del gym.registry["tests/LatentDots-v0"]


def test_what_was_encoded_can_be_looked_at_and_is_left_be(encoder: Encoder) -> None:
    """The newest inputs are the frames that were shown; the next step makes new ones."""
    env = LatentVectorObservation(make_vec(DOTS, 2, seed=1), encoder, STACK)
    frames_env = make_vec(DOTS, 2, seed=1)
    env.reset()
    frames_env.reset()
    for action in (1, 2, 3):
        before = None if env.observer.newest_inputs is None else env.observer.newest_inputs.copy()
        kept = env.observer.newest_inputs
        obs, *_ = env.step(np.full(2, action))
        frames, *_ = frames_env.step(np.full(2, action))
        assert env.observer.newest_inputs is not None
        assert np.array_equal(env.observer.newest_inputs[..., -frames.shape[-1] :], frames)
        latents = encoder.whiten(encoder.encode(env.observer.newest_inputs))
        assert np.allclose(obs[:, -encoder.latents :], latents, atol=1e-5)
        assert np.array_equal(kept, before)


def test_the_wrappers_load_nothing_that_draws() -> None:
    code = "import sys, worldvae.wrappers.latent; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
