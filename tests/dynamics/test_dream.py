"""N dreams of a known world: how they begin, what they show, and how they end."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.dynamics.linear import (
    CHOICES,
    LATENTS,
    MEMORY,
    LinearDynamics,
    linear_card,
    linear_source,
)
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_batch import DreamBatch
from worldvae.dynamics.dream_env import DreamEnv
from worldvae.dynamics.dream_observation import DreamObserver
from worldvae.dynamics.dream_source import dream_settings
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.state import DynamicsState
from worldvae.envs.vector import final_observations
from worldvae.errors import ConfigError

N = 4
SIZES = {"place": 2, "speed": 1}


def dreams(num_envs: int = N, seed: int | None = 0, **source: Any) -> DreamVectorEnv:
    return DreamVectorEnv(linear_source(**source), num_envs, seed)


def codes(obs: Any) -> Any:
    return obs[:, :LATENTS]


def test_a_dream_shows_latents_and_memory() -> None:
    env = dreams(temperature=0)
    assert env.single_observation_space == spaces.Box(
        -np.inf, np.inf, (LATENTS + MEMORY,), np.float32
    )
    assert env.single_action_space == spaces.Discrete(CHOICES)
    obs, info = env.reset()
    assert obs.dtype == np.float32
    assert (codes(obs) == 10 * info["start"][:, None]).all()
    assert (obs[:, LATENTS:] == 0).all()
    first = codes(obs)
    for step in range(1, 4):
        action = np.array([0, 1, 1, 0])
        before = obs
        obs, rewards, *_ = env.step(action)
        assert (codes(obs) == codes(before) + 1 + action[:, None]).all()
        assert (rewards == codes(obs)[:, 0]).all()
        assert rewards.dtype == np.float64
        assert (obs[:, LATENTS] == step).all(), "the memory has counted the steps"
    assert (obs[:, LATENTS + 3] == 3 * action).all(), "and the actions"
    assert (codes(obs) == first + 3 * (1 + action[:, None])).all()


def test_an_observation_is_not_written_over() -> None:
    env = dreams()
    obs, _ = env.reset()
    kept = obs.copy()
    env.step(np.zeros(N, int))
    assert (obs == kept).all()


def test_keys_are_shown_in_the_units_of_the_environment() -> None:
    env = dreams(has_key=True, temperature=0)
    space = env.single_observation_space
    assert isinstance(space, spaces.Dict)
    assert set(space) == {"camera", "speed"}
    obs, info = env.reset()
    assert env.observation_space.contains(obs)
    assert obs["camera"].shape == (N, LATENTS + MEMORY)
    standardised = 10 * info["start"][:, None]
    assert (obs["speed"] == 10 + 2 * standardised).all()
    obs, *_ = env.step(np.ones(N, int))
    assert (obs["speed"] == 10 + 2 * (standardised + 2)).all()


def test_each_key_is_shown_from_its_own_numbers() -> None:
    keys = tuple(KeyUnits(name=name, mean=(0.0,) * n, std=(1.0,) * n) for name, n in SIZES.items())
    dynamics = LinearDynamics(keys=3)
    code = torch.arange(LATENTS + 3.0)[None]
    state = DynamicsState(torch.zeros(1, 1, MEMORY), code)
    shown = DreamObserver(dynamics, linear_card(keys, "camera"))(state)
    assert shown["camera"][0, :LATENTS].tolist() == [0, 1, 2]
    assert shown["place"].tolist() == [[3, 4]]
    assert shown["speed"].tolist() == [[5]]


def test_final_observations_of_a_dict_are_kept() -> None:
    env = dreams(has_key=True, temperature=0, horizon=1)
    obs, _ = env.reset()
    begun = obs["speed"].copy()
    obs, _, _, truncated, info = env.step(np.zeros(N, int))
    assert truncated.all()
    for index, final in zip(*final_observations(info, N), strict=True):
        assert final["speed"] == begun[index] + 2
        assert final["camera"].shape == (LATENTS + MEMORY,)


def test_the_horizon_truncates_with_an_observation_to_go_on_from() -> None:
    env = dreams(temperature=0, horizon=3)
    obs, info = env.reset()
    start = codes(obs)
    for _ in range(2):
        *_, truncated, info = env.step(np.zeros(N, int))
        assert not truncated.any()
        assert "final_obs" not in info
    obs, _, terminated, truncated, info = env.step(np.zeros(N, int))
    assert truncated.all()
    assert not terminated.any()
    assert info["_final_obs"].all()
    finals = np.stack(list(info["final_obs"]))
    assert (codes(finals) == start + 3).all()
    assert (finals[:, LATENTS] == 3).all(), "memory included"
    assert (obs[:, LATENTS:] == 0).all(), "and the next dream has begun"
    assert set(codes(obs)[:, 0]) <= set(range(0, 100, 10))


def test_an_end_at_the_horizon_is_an_end() -> None:
    env = dreams(end_rate=1.0, horizon=1)
    env.reset()
    *_, terminated, truncated, _ = env.step(np.zeros(N, int))
    assert terminated.all()
    assert not truncated.any()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_sampled_ends_come_at_their_true_rate(temperature: float) -> None:
    """The mean length of n dreams with end probability p is 1 / p +- sqrt((1 - p) / n) / p."""
    rate, num_envs, steps = 0.05, 256, 400
    env = dreams(num_envs, end_rate=rate, horizon=10**6, temperature=temperature)
    env.reset()
    ends = 0
    for _ in range(steps):
        *_, terminated, truncated, info = env.step(np.zeros(num_envs, int))
        assert not truncated.any()
        ends += int(terminated.sum())
        assert (info["end_probability"] == np.float32(rate)).all()
    decisions = num_envs * steps
    error = np.sqrt(rate * (1 - rate) / decisions)
    assert abs(ends / decisions - rate) < 4 * error


def test_members_that_disagree_truncate() -> None:
    """These say their age before the step for their disagreement: 0, 1, 2, 3."""
    env = dreams(max_disagreement=2.5)
    env.reset()
    seen = [env.step(np.zeros(N, int)) for _ in range(4)]
    assert [step[3].all() for step in seen] == [False, False, False, True]
    info = seen[3][4]
    assert (info["disagreement"] == 3).all()
    assert (info["final_info"]["disagreement"] == 3).all()
    assert info["final_info"]["_disagreement"].all()


def test_an_ended_dream_says_where_it_began_and_the_next_one_too() -> None:
    env = dreams(64, horizon=2, temperature=0)
    obs, info = env.reset()
    first = info["start"]
    assert (info["end_probability"] == 0).all()
    env.step(np.zeros(64, int))
    obs, *_, info = env.step(np.zeros(64, int))
    assert (info["final_info"]["start"] == first).all()
    assert (info["start"] != first).any()
    assert (codes(obs)[:, 0] == 10 * info["start"]).all()


def test_each_dream_follows_one_member() -> None:
    """Member k adds k to each code, so a dream's slope tells which one it follows."""
    env = dreams(64, members=3, temperature=0, horizon=5)
    obs, _ = env.reset()
    slopes = []
    for _ in range(4):
        before = codes(obs)
        obs, *_ = env.step(np.zeros(64, int))
        slopes.append((codes(obs) - before)[:, 0] - 1)
    assert (np.stack(slopes) == slopes[0]).all()
    assert set(slopes[0]) == {0, 1, 2}


def test_the_same_seed_and_actions_are_the_same_dream_to_the_bit() -> None:
    def played(seed: int) -> list[Any]:
        env = dreams(seed=None, end_rate=0.2, horizon=7)
        steps = [env.reset(seed=seed)[0]]
        for step in range(20):
            obs, rewards, terminated, *_ = env.step(np.arange(N) % 2 * (step % 2))
            steps += [obs, rewards, terminated]
        return [part.tolist() for part in steps]

    assert played(3) == played(3)
    assert played(3) != played(4)


def test_an_integer_seeds_dream_after_dream() -> None:
    one, each = dreams(seed=None), dreams(seed=None)
    assert (one.reset(seed=5)[0] == each.reset(seed=[5, 6, 7, 8])[0]).all()
    assert (one.step(np.zeros(N, int))[0] == each.step(np.zeros(N, int))[0]).all()


def test_a_start_depends_on_the_seed_of_its_own_dream() -> None:
    """So that an evaluation begins from the same frames however many are played at once."""
    many, few = dreams(4, None), dreams(2, None)
    starts = many.reset(seed=[11, 12, 13, 14])[1]["start"]
    assert few.reset(seed=[13, 11])[1]["start"].tolist() == [starts[2], starts[0]]


def test_a_dream_that_begins_alone_draws_its_start_as_it_does_beside_others() -> None:
    alone, together = dreams(seed=3), dreams(seed=3)
    for one in (alone, together):
        one.reset()
    last = np.arange(N) == N - 1
    for _ in range(8):
        _, info = alone.reset(options={"reset_mask": last})
        assert info["start"][last] == together.reset()[1]["start"][last]


def test_the_seeds_of_all_dreams_decide_what_is_drawn() -> None:
    seeds = [5, 6, 7, 8], [5, 6, 7, 9]
    first, second = (dreams(seed=None) for _ in seeds)
    for env, one in zip((first, second), seeds, strict=True):
        env.reset(seed=one, options={"starts": np.zeros(N, int)})
    same, other = (env.step(np.zeros(N, int))[0] for env in (first, second))
    assert (codes(same) != codes(other)).any()


def test_a_seed_is_that_of_the_first_reset_alone() -> None:
    env = dreams(64, seed=3)
    first, second = (env.reset()[1]["start"] for _ in range(2))
    assert (first == dreams(64, seed=None).reset(seed=3)[1]["start"]).all()
    assert (first != second).any()


def test_dreams_without_a_seed_are_others_each_time() -> None:
    first, second = (dreams(64, seed=None).reset()[1]["start"] for _ in range(2))
    assert (first != second).any()


def test_a_dream_begins_with_the_memory_of_its_start_whichever_member_it_follows() -> None:
    own = torch.arange(10.0)[:, None] + torch.tensor([0.0, 100.0])[:, None, None]
    starts = DynamicsState(own.repeat(1, 1, MEMORY), torch.zeros(10, LATENTS))
    batch = DreamBatch(LinearDynamics(members=2), starts, 64, dream_settings())
    for begun in (np.arange(64), np.array([3, 40])):
        batch.begin(begun)
        assert (batch.state.carried == starts.carried[:, batch.places]).all()


def test_at_temperature_0_a_dream_is_known_beforehand() -> None:
    env, other = dreams(seed=1, temperature=0), dreams(seed=2, temperature=0)
    options = {"starts": np.array([3, 0, 9, 3])}
    obs, info = env.reset(options=options)
    assert info["start"].tolist() == [3, 0, 9, 3]
    others, _ = other.reset(options=options)
    for _ in range(5):
        assert (obs == others).all()
        obs, others = (one.step(np.array([1, 0, 1, 1]))[0] for one in (env, other))


def test_a_mask_begins_some_dreams_anew() -> None:
    env = dreams(temperature=0)
    env.reset()
    before, *_ = env.step(np.zeros(N, int))
    mask = np.array([False, True, False, True])
    obs, _ = env.reset(options={"reset_mask": mask})
    assert (obs[~mask] == before[~mask]).all()
    assert (obs[mask][:, LATENTS:] == 0).all()
    assert (before[mask][:, LATENTS] == 1).all()


def test_dreams_that_begin_leave_the_others_as_old_as_they_are() -> None:
    env = dreams(temperature=0, horizon=3)
    env.reset()
    for _ in range(2):
        env.step(np.zeros(N, int))
    begun = np.array([False, True, False, True])
    env.reset(options={"reset_mask": begun})
    lengths = np.where(begun, 0, 2)
    for _ in range(7):
        *_, truncated, _ = env.step(np.zeros(N, int))
        lengths += 1
        assert (truncated == (lengths == 3)).all()
        lengths[truncated] = 0


def test_dreams_of_a_mask_begin_where_they_are_told() -> None:
    env = dreams(temperature=0)
    env.reset()
    mask = np.array([False, True, False, True])
    options = {"reset_mask": mask, "starts": np.array([1, 2, 3, 4])}
    assert env.reset(options=options)[1]["start"][mask].tolist() == [2, 4]


def test_ends_leave_the_other_dreams_running() -> None:
    env = dreams(64, end_rate=0.3, temperature=0)
    obs, _ = env.reset()
    ages = np.zeros(64)
    partial = 0
    for _ in range(20):
        before = codes(obs)
        obs, _, terminated, _, info = env.step(np.zeros(64, int))
        ages = np.where(terminated, 0, ages + 1)
        assert (obs[:, LATENTS] == ages).all()
        assert (codes(obs)[~terminated] == before[~terminated] + 1).all()
        for index, final in zip(*final_observations(info, 64), strict=True):
            assert (final[:LATENTS] == before[index] + 1).all()
        partial += 0 < terminated.sum() < 64
    assert partial == 20


def test_one_dream_is_that_of_a_vector_of_one() -> None:
    vector = dreams(1, None, end_rate=0.2, horizon=6)
    single = DreamEnv(linear_source(end_rate=0.2, horizon=6))
    (obs,), info = vector.reset(seed=8)
    mine, my_info = single.reset(seed=8)
    assert my_info["start"] == info["start"][0]
    ends = 0
    for step in range(60):
        assert (mine == obs).all()
        assert single.observation_space.contains(mine)
        (obs,), (reward,), (terminated,), (truncated,), info = vector.step(np.array([step % 2]))
        mine, *own, my_info = single.step(step % 2)
        assert own == [reward, terminated, truncated]
        assert my_info["end_probability"] == info["end_probability"][0]
        if terminated or truncated:
            assert (mine == info["final_obs"][0]).all()
            mine, _ = single.reset()
            ends += 1
    assert ends > 8


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros(3, int), r"actions \(3,\): expected 4 of Discrete\(2\), one for each dream"),
        (np.full(4, 2), r"actions \[2 2 2 2\]: not all are in Discrete\(2\)"),
        (np.full(4, -1), r"not all are in Discrete\(2\)"),
        (np.full(4, 0.5), r"not all are in Discrete\(2\)"),
    ],
)
def test_actions_that_there_are_not_are_refused(actions: Any, message: str) -> None:
    env = dreams()
    env.reset()
    with pytest.raises(ConfigError, match=message):
        env.step(actions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": [1, 2]}, "2 seeds for 4 dreams; give one, or one for each"),
        ({"seed": -1}, "seed = -1: a seed is a whole number from 0 on"),
        ({"seed": [3, 2, -5, 0]}, "seed = -5: a seed is a whole number from 0 on"),
        ({"options": {"reset_mask": np.zeros(4, bool)}}, r"expected \(4,\) bool, true somewhere"),
        ({"options": {"reset_mask": np.ones(3, bool)}}, r"reset_mask \(3,\) bool: expected \(4,\)"),
        ({"options": {"starts": [0, 1, 2, 10]}}, "expected 4 numbers from 0 to 9"),
        ({"options": {"starts": [0]}}, "expected 4 numbers from 0 to 9"),
    ],
)
def test_resets_that_mean_nothing_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dreams().reset(**arguments)


def test_a_step_before_the_first_reset_is_refused() -> None:
    message = "no dream has begun: call reset before the first step"
    with pytest.raises(ConfigError, match=message):
        dreams().step(np.zeros(N, int))
    with pytest.raises(ConfigError, match=message):
        DreamEnv(linear_source()).step(0)


def test_a_seed_below_0_is_refused_of_one_dream_too() -> None:
    with pytest.raises(ConfigError, match="seed = -1: a seed is a whole number from 0 on"):
        DreamEnv(linear_source()).reset(seed=-1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizn": 5}, "a dream's horizn: no such key; did you mean horizon?"),
        ({"horizon": 0}, "a dream's horizon = 0: "),
        ({"starts": "last"}, "a dream's starts = 'last': "),
    ],
)
def test_wrong_settings_are_told_in_one_line(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dream_settings(**settings)


@pytest.mark.parametrize("count", [0, -1, 2.0])
def test_a_number_of_dreams_that_cannot_be_is_one_line(count: Any) -> None:
    with pytest.raises(ConfigError, match=f"num_envs = {count}: expected a whole number from 1 on"):
        DreamVectorEnv(linear_source(), count)


def test_pictures_take_an_encoder() -> None:
    for make in (DreamVectorEnv, DreamEnv):
        with pytest.warns(UserWarning, match="without a render_mode; .* and encoder=FOLDER"):
            assert make(linear_source()).render() is None
        with pytest.raises(ConfigError, match="takes the encoder: give encoder=FOLDER"):
            make(linear_source(), render_mode="rgb_array")
        with pytest.raises(ConfigError, match=r"render_mode = 'human': .*'rgb_array', or not"):
            make(linear_source(), render_mode="human")


def test_a_step_needs_no_gradients() -> None:
    env = dreams()
    env.reset()
    with torch.enable_grad():
        obs, *_ = env.step(np.zeros(N, int))
    assert isinstance(obs, np.ndarray)
