from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs import Crop, EnvConfig, FrameConfig, make_env, make_vec, preprocess, source_shape
from worldvae.envs.frames import preprocess_batch
from worldvae.envs.make import choose_backend
from worldvae.envs.make_raw import find_spec
from worldvae.envs.observations import KeyEncoding, why_no_image
from worldvae.envs.wrappers import (
    STEER_THROTTLE,
    ActionRepeat,
    GiveUp,
    SteerThrottle,
    steer_throttle,
)
from worldvae.errors import WorldvaeError

CLOCK: dict[str, Any] = {"id": "tests/Clock-v0", "import": "tests.worlds"}


def test_steer_throttle_by_hand() -> None:
    pairs = np.array([[0.5, 1], [-1, -0.25], [2, 0]], np.float32)
    assert steer_throttle(pairs).tolist() == [[0.5, 1, 0], [-1, 0, 0.25], [1, 0, 0]]


def test_car_racing_has_two_axes_unless_told_otherwise() -> None:
    assert make_env(EnvConfig()).action_space == STEER_THROTTLE
    assert make_env(EnvConfig(action_map="none")).action_space.shape == (3,)
    discrete = EnvConfig(kwargs={"continuous": False})
    assert isinstance(make_env(discrete).action_space, spaces.Discrete)


def test_what_is_steered_is_an_action_of_car_racing() -> None:
    raw = gym.make("CarRacing-v3")
    action = SteerThrottle(raw).action(np.array([0.5, -1]))
    assert raw.action_space.contains(action)
    assert action.tolist() == [0.5, 0, 1]


def test_action_repeat_sums_and_stops_at_the_end() -> None:
    env = ActionRepeat(gym.make(find_spec(EnvConfig(**CLOCK)), spread=0), repeat=2)
    env.reset(seed=0)
    assert env.step(0)[1:4] == (1 + 2, False, False)
    obs, reward, terminated, truncated, _ = env.step(0)
    assert (reward, terminated, truncated) == (3, False, True)
    assert (obs == 30).all()


def test_give_up_counts_steps_without_a_positive_reward() -> None:
    env = GiveUp(gym.make(find_spec(EnvConfig(**CLOCK)), spread=0), patience=2)
    env.reset(seed=0)
    assert not env.step(1)[3]
    assert not env.step(0)[3], "a reward starts the count anew"
    assert env.step(1)[3], "the third step is the end of the episode anyway"
    env.reset()
    env.step(1)
    terminated, truncated = env.step(1)[2:4]
    assert truncated
    assert not terminated


@pytest.mark.parametrize(
    ("env_id", "kwargs"), [("CartPole-v1", {}), ("Pendulum-v1", {}), ("MiniGrid-Empty-5x5-v0", {})]
)
def test_environments_without_pixels_are_rendered(env_id: str, kwargs: dict[str, Any]) -> None:
    env = make_env(EnvConfig(id=env_id, kwargs=kwargs))
    obs, _ = env.reset(seed=0)
    assert obs.shape == (64, 64, 3)
    assert obs.std() > 0, "something is to be seen"
    env.close()


def test_of_a_dict_the_image_is_a_frame_and_the_rest_passes() -> None:
    config = EnvConfig(**CLOCK, kwargs={"as_dict": True}, image_key="camera")
    env = make_env(config)
    env.reset(seed=0)
    obs, *_ = env.step(0)
    assert obs["camera"].shape == (64, 64, 3)
    assert obs["speed"].tolist() == [1]
    assert env.observation_space.contains(obs)
    vec = make_vec(config.model_copy(update={"workers": "sync"}), 2, seed=0)
    assert vec.reset()[0]["camera"].shape == (2, 64, 64, 3)


@pytest.mark.parametrize("pixels", ["auto", "none"])
def test_other_keys_are_those_observed_beside_the_image(pixels: str) -> None:
    minigrid = {"id": "MiniGrid-Empty-5x5-v0", "image_key": "image", "pixels": pixels}
    for chosen in (("direction",), ()):
        env = make_env(EnvConfig(**minigrid, other_keys=chosen))
        obs, _ = env.reset(seed=0)
        assert set(obs) == {"image", *chosen}, "mission is a text, which no policy can observe"
        assert env.observation_space.contains(obs)
        env.close()


@pytest.mark.parametrize("chosen", [["speed"], []])
def test_a_vector_environment_shows_the_other_keys_that_are_named(chosen: list[str]) -> None:
    config = EnvConfig(**CLOCK, kwargs={"as_dict": True}, image_key="camera", other_keys=chosen)
    vec = make_vec(config.model_copy(update={"workers": "sync"}), 2, seed=0)
    obs, _ = vec.reset()
    assert list(obs) == list(vec.single_observation_space) == ["camera", *chosen]
    vec.close()


def test_other_keys_name_the_same_task_in_any_order() -> None:
    one, other = (
        EnvConfig(id="me/Robot-v0", image_key="camera", other_keys=names)
        for names in (["speed", "fuel"], ["fuel", "speed", "fuel"])
    )
    assert one == other


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"other_keys": []}, "which image_key has to name"),
        ({"image_key": "image", "other_keys": ["image"]}, "image is the image"),
    ],
)
def test_other_keys_are_beside_an_image_key(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        EnvConfig(id="MiniGrid-Empty-5x5-v0", **keys)


def test_source_shape_is_what_the_environment_shows() -> None:
    assert source_shape(EnvConfig(**CLOCK)) == (40, 48, 3)
    assert source_shape(EnvConfig(**CLOCK, kwargs={"as_dict": True}, image_key="camera")) == (
        40,
        48,
        3,
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"id": "CarRacin-v3"}, "env.id = 'CarRacin-v3'.*Did you mean: CarRacing"),
        ({"id": "my/Env-v0"}, "env.import"),
        (
            {"import": "no_such_module"},
            "cannot import 'no_such_module', needed for env.import: .*PYTHONPATH=FOLDER",
        ),
        ({"kwargs": {"wheels": 5}}, "cannot be made:.*wheels"),
        (
            {"import": "no_such_module.py"},
            "'no_such_module.py'.*: the path of a file or folder; .* as in `import no_such_module`",
        ),
        ({"import": "/home/me/robots"}, "write the name of the module, as in `import robots`"),
        ({"import": "tests.broken"}, "cannot import 'tests.broken'.*ZeroDivisionError"),
        (
            {**CLOCK, "kwargs": {"spread": "x"}, "id": "tests/Fussy-v0"},
            "cannot be made: ValueError",
        ),
        ({**CLOCK, "id": "tests/Many-v0"}, "actions must be Discrete or a bounded Box"),
        ({**CLOCK, "id": "tests/Blind-v0"}, "observes no image and has no render_mode"),
        (
            {"id": "MiniGrid-Empty-5x5-v0", "image_key": "image"},
            "mission is neither.*env.other_keys",
        ),
        (
            {"id": "MiniGrid-Empty-5x5-v0", "image_key": "image", "other_keys": ["speed"]},
            "env.other_keys names speed; beside the image there are: direction, mission",
        ),
        ({"id": "CartPole-v1", "pixels": "observation"}, "use render"),
        ({"id": "CartPole-v1", "action_map": "steer_throttle"}, r"needs actions Box\(3,\)"),
        ({**CLOCK, "kwargs": {"as_dict": True}, "image_key": "eye"}, "camera, speed"),
        ({"id": "CartPole-v1", "image_key": "eye", "pixels": "observation"}, "use render"),
        ({"frame": {"crop": {"top": 90, "bottom": 10}}}, "leaves nothing of a frame of 96x96"),
    ],
)
def test_a_mistake_is_one_line(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(WorldvaeError, match=expected) as error:
        make_env(EnvConfig(**settings)).reset(seed=0)
    assert "\n" not in str(error.value)


class Unbounded(gym.Env[Any, Any]):
    """Observes float images in a Box that does not say what is white; renders nothing."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (48, 48, 3), np.float32)
    action_space = gym.spaces.Discrete(2)


def test_an_image_without_bounds_is_told_which_to_declare() -> None:
    gym.register("tests/Unbounded-v0", Unbounded)
    try:
        with pytest.raises(WorldvaeError, match=r"by its bounds.*Box\(0, 255.*Box\(0, 1, "):
            make_env(EnvConfig(id="tests/Unbounded-v0"))
    finally:
        del gym.registry["tests/Unbounded-v0"]


CHANNELS, BOUNDS = " of 1 or 3 channels; if it is one, ", " by its bounds; if it is one, "


@pytest.mark.parametrize(
    ("space", "begins"),
    [
        (spaces.Box(0, 255, (48, 48, 4), np.uint8), CHANNELS),
        (spaces.Box(0, 1, (2, 48, 48), np.float32), CHANNELS),
        (spaces.Box(0, 65_535, (48, 48), np.uint16), BOUNDS),
        (spaces.Box(-1, 1, (48, 48, 3), np.float32), BOUNDS),
        (spaces.Box(0, 255, (48, 48, 3), np.uint8), ""),
        (spaces.Box(-1, 1, (7,), np.float32), ""),
        (spaces.Discrete(3), ""),
    ],
)
def test_what_looks_like_an_image_is_told_what_it_lacks(
    space: spaces.Space[Any], begins: str
) -> None:
    why = why_no_image(space)
    assert why.startswith(begins)
    assert bool(why) == bool(begins)


POOLED: dict[str, Any] = {"action_repeat": 4, "frame": {"max_pool": True}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"id": "CarRacing-v3"}, "envpool"),
        ({"id": "CarRacing-v3", "kwargs": {"domain_randomize": True}}, "gymnasium"),
        ({"id": "ALE/Pong-v5"}, "ale"),
        ({"id": "ALE/Pong-v5", "kwargs": {"difficulty": 1}}, "gymnasium"),
        ({"id": "ALE/Pong-v5", "give_up_after": 10}, "gymnasium"),
        ({"id": "CarRacing-v3", **POOLED}, "gymnasium"),
        ({"id": "ALE/Pong-v5", "kwargs": {"frameskip": 1}, **POOLED}, "ale"),
        ({"id": "ALE/Pong-v5", "kwargs": {"frameskip": 0}}, "gymnasium"),  # which refuses it
        ({"id": "ALE/Pong-v5", "kwargs": {"max_num_frames_per_episode": None}}, "gymnasium"),
        ({"id": "ALE/Pong-v5", "kwargs": {"max_num_frames_per_episode": 0}}, "gymnasium"),
        ({"id": "ALE/Pong-v5", "action_repeat": 4, "max_episode_steps": 40}, "ale"),
        ({"id": "ALE/Pong-v5", "action_repeat": 4, "max_episode_steps": 42}, "gymnasium"),
        ({"id": "CartPole-v1"}, "gymnasium"),
    ],
)
def test_auto_takes_the_fastest_that_plays_the_same_game(
    settings: dict[str, Any], expected: str
) -> None:
    config = EnvConfig(**settings)
    assert choose_backend(config, find_spec(config)) == expected


def test_a_backend_that_cannot_play_the_game_says_so() -> None:
    config = EnvConfig(id="CartPole-v1", backend="envpool")
    with pytest.raises(WorldvaeError, match=r"env\.backend = 'envpool': only CarRacing-v3"):
        choose_backend(config, find_spec(config))


def gradient(height: int, width: int) -> NDArray[np.uint8]:
    values = np.arange(height * width * 3) % 251
    return values.reshape(height, width, 3).astype(np.uint8)


def test_a_frame_of_the_right_size_is_untouched() -> None:
    frame = gradient(64, 64)
    assert (preprocess(frame, FrameConfig()) == frame).all()


def test_crop_takes_what_it_says() -> None:
    frame = gradient(70, 80)
    crop = Crop(top=4, bottom=2, left=10, right=6)
    assert (preprocess(frame, FrameConfig(crop=crop)) == frame[4:68, 10:74]).all()


def test_shrinking_averages_so_that_a_pixel_is_not_lost() -> None:
    frame = np.zeros((128, 128, 3), np.uint8)
    frame[33, 77] = 200
    small = preprocess(frame, FrameConfig())
    assert small[16, 38].tolist() == [50, 50, 50]
    assert small.sum() == 150


@pytest.mark.parametrize(("height", "width"), [(40, 600), (600, 40)])
def test_of_a_strip_no_line_is_lost(height: int, width: int) -> None:
    """One side shrinks and the other grows: each line of one pixel leaves its share of light."""
    config, long = FrameConfig(), max(height, width)
    for place in range(long):
        frame = np.zeros((height, width, 3), np.uint8)
        frame[(slice(None), place) if width == long else place] = 255
        light = preprocess(frame, config).sum() / (64 * 64 * 3 * 255)
        assert light == pytest.approx(1 / long, rel=0.1)


def test_gray_and_flat_frames() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    gray = preprocess(red, FrameConfig(color="gray"))
    assert gray.shape == (64, 64, 1)
    assert (gray == 76).all(), "0.299 of red: the frame is RGB, not BGR"
    assert preprocess(red[..., 0], FrameConfig()).shape == (64, 64, 3)


@pytest.mark.parametrize("color", ["rgb", "gray"])
@pytest.mark.parametrize("crop", [{}, {"top": 10, "right": 3}])
@pytest.mark.parametrize("shape", [(96, 96, 3), (64, 64, 3), (50, 70, 1), (210, 160), (64, 64, 1)])
def test_a_batch_is_its_frames_one_by_one(
    color: str, crop: dict[str, int], shape: tuple[int, ...]
) -> None:
    config = FrameConfig(**{"color": color, "crop": crop})
    images = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)
    batch = preprocess_batch(images, config)
    assert (batch == np.stack([preprocess(image, config) for image in images])).all()
    assert preprocess_batch(images[:0], config).shape == (0, *config.shape)
    with pytest.raises(WorldvaeError, match="leaves nothing"):
        preprocess_batch(images, FrameConfig(crop=Crop(top=200, bottom=20)))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(5, np.uint8)]
)
def test_what_is_no_image_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(WorldvaeError, match="expected an image"):
        preprocess(image, FrameConfig())
    with pytest.raises(WorldvaeError, match="expected an image"):
        preprocess_batch(image[None], FrameConfig())


@pytest.mark.parametrize("white", [1, 255])
def test_the_white_of_a_small_map_is_one(white: int) -> None:
    """Whether its space says 0 to 1 or 0 to 255: agents see shares either way."""
    encoding = KeyEncoding.of("map", spaces.Box(0, white, (7, 7, 3), np.uint8))
    value = np.full((7, 7, 3), white, np.uint8)
    assert encoding(value).tolist() == [1.0] * 147
    assert encoding.space.high.max() == 1


class Faceless(gym.Env[Any, Any]):
    """Observes no image; it renders `shown` in the modes that it lists."""

    observation_space = gym.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, modes: Any = (), shown: Any = None) -> None:
        self.metadata = {"render_modes": [*modes], "render_fps": 5}
        self.render_mode, self.shown = render_mode, shown

    def reset(self, **_: Any) -> Any:
        return np.zeros(3, np.float32), {}

    def render(self) -> Any:
        return self.shown


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [
        ({"modes": ["human"]}, r"unsupported render mode.*; frames take .*'rgb_array'"),
        ({}, r"no render_modes.*; frames take a render mode 'rgb_array', which its metadata"),
        ({"modes": ["rgb_array"]}, r"with render_mode = 'rgb_array' it returns no array .* None"),
        ({"modes": ["rgb_array"], "shown": [3]}, r"it returns no array \(H, W, 3\) but list$"),
        ({"modes": ["human"], "render_mode": "human"}, r"^env.kwargs.render_mode = 'human': .*out"),
    ],
)
def test_what_renders_no_frame_is_told_by_its_mode(kwargs: dict[str, Any], told: str) -> None:
    gym.register("tests/Faceless-v0", entry_point=Faceless)
    with pytest.raises(WorldvaeError, match=told):
        make_env(EnvConfig(id="tests/Faceless-v0", kwargs=kwargs)).reset(seed=0)


class Modeless(gym.Env[Any, Any]):
    """Observes no image, and knows of no render mode: a first environment of somebody."""

    observation_space, action_space = Faceless.observation_space, Faceless.action_space


class Misnamed(Modeless):
    def __init__(self, mode: str | None = None) -> None:
        """Take the mode by another name than Gymnasium's."""


@pytest.mark.parametrize("kind", [Modeless, Misnamed])
def test_who_takes_no_render_mode_is_told_all_that_frames_take(kind: type[Modeless]) -> None:
    gym.register(f"tests/{kind.__name__}-v0", entry_point=kind)
    with pytest.raises(WorldvaeError, match=r"__init__ takes render_mode, .* whose render\(\)"):
        make_env(EnvConfig(id=f"tests/{kind.__name__}-v0"))
