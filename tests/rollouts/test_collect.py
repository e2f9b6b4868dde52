import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worldvae.envs import EnvConfig, make_vec
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.rollouts.collect import make_policies
from worldvae.rollouts.rollout import Rollout

CLOCK: Mapping[str, Any] = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
ENV = EnvConfig(**CLOCK)
SMALL = RolloutConfig(frames=150, num_envs=4, policies={"random": 1.0})


def test_episodes_are_what_was_played(tmp_path: Path) -> None:
    """The clock's frames, rewards, states and ends follow from its age alone."""
    store = RolloutStore.create(tmp_path, ENV)
    collect(store, SMALL, seed=0)
    ends = set()
    for record in store.records[:-4]:  # the last four were cut
        ages = np.arange(record.length + 1)
        arrays = store.arrays(record)
        assert (store.frames(record)[:, 0, 0, 0] == 10 * ages).all()
        assert (arrays["state"][:, 0] == ages).all()
        assert (arrays["reward"] == np.where(arrays["action"] == 1, -1, ages[1:])).all()
        assert arrays["terminated"][-1] == (record.length % 2 == 0)
        assert arrays["truncated"][-1] == (record.length % 2 == 1)
        assert not record.cut
        ends.add(record.terminated)
    assert ends == {True, False}


def test_it_stops_at_the_number_of_frames_and_cuts_what_runs(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path, ENV)
    collect(store, SMALL, seed=0)
    assert SMALL.frames <= store.num_frames < SMALL.frames + 4 * SMALL.num_envs
    assert 0 < sum(record.cut for record in store.records) <= SMALL.num_envs
    assert not any(record.cut and record.terminated for record in store.records)
    frames = store.num_frames
    collect(store, SMALL, seed=0)
    assert store.num_frames == frames, "done is done"


def test_same_seed_same_store_other_seed_another(tmp_path: Path) -> None:
    def hashes(name: str, seed: int) -> list[str]:
        store = RolloutStore.create(tmp_path / name, ENV)
        collect(store, SMALL, seed)
        return [record.arrays_sha256 for record in store.records]

    assert hashes("a", 0) == hashes("b", 0)
    assert hashes("a", 0) != hashes("c", 1)


def test_policies_play_their_share(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path, ENV)
    config = RolloutConfig(frames=3_000, policies={"random": 3, "smooth": 1})
    collect(store, config, seed=0)
    share = np.mean([record.policy == "random" for record in store.records])
    n = len(store.records)
    assert share == pytest.approx(0.75, abs=3 * np.sqrt(0.75 * 0.25 / n))


def test_sweeps_are_played_and_named(tmp_path: Path) -> None:
    """A clock's episodes have 3 to 7 decisions: so many are held, then the other action."""
    config = RolloutConfig(
        frames=300, num_envs=4, policies={"sweep": 1}, held=(3, 3), sweep_noise=(0.0,)
    )
    store = RolloutStore.create(tmp_path, ENV)
    collect(store, config, seed=0)
    assert {record.policy for record in store.records} == {"sweep"}
    for record in store.records:
        taken = store.arrays(record)["action"]
        assert (taken == (taken[0] + np.arange(record.length) // 3) % 2).all()
    assert {int(store.arrays(record)["action"][0]) for record in store.records} == {0, 1}


def test_an_agent_is_played_and_named(tmp_path: Path) -> None:
    def always_one(obs: Any, episode_start: Any, state: Any) -> Any:
        assert obs.shape == (4, 64, 64, 3)
        return np.ones(len(episode_start), int)

    config = RolloutConfig(
        frames=100, num_envs=4, policies={"agent": 1}, agent="somewhere", epsilon=0.0
    )
    store = RolloutStore.create(tmp_path, ENV)
    collect(store, config, seed=0, agent=always_one)
    assert {record.policy for record in store.records} == {"agent"}
    assert all((store.arrays(record)["action"] == 1).all() for record in store.records)


def test_of_a_dict_the_image_is_stored() -> None:
    config = EnvConfig(**CLOCK, kwargs={"as_dict": True}, image_key="camera")
    env = make_vec(config, 2, seed=0)
    policies = make_policies(SMALL, env.single_action_space, 0, None)
    rollout = Rollout(env, policies, [1.0], 0, "camera")
    episodes = [episode for _ in range(20) for episode in rollout.step()]
    assert episodes
    assert all(episode.obs.shape[1:] == (64, 64, 3) for episode in episodes)
    assert all(episode.obs[-1, 0, 0, 0] == 10 * len(episode.action) for episode in episodes)
    env.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policies": {}}, "a weight above 0"),
        ({"policies": {"random": -1}}, r"policies\.random\s+.* equal to 0"),
        ({"agent": "x"}, "needs a weight"),
        ({"policies": {"rndom": 1}}, "random"),
        ({"held": (5, 2)}, "the least and the most decisions"),
        ({"held": (0, 2)}, "the least and the most decisions"),
        ({"sweep_noise": ()}, "at least 1 item"),
        ({"sweep_noise": (0.5, 1.5)}, r"sweep_noise\.1\s+.* equal to 1"),
    ],
)
def test_a_mix_without_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RolloutConfig(**settings)


def test_an_agent_that_was_not_given_is_one_line(tmp_path: Path) -> None:
    config = RolloutConfig(frames=100, policies={"agent": 1})
    with pytest.raises(WorldvaeError, match=r"say its folder in rollouts\.agent"):
        collect(RolloutStore.create(tmp_path, ENV), config, seed=0)


def test_an_agent_that_is_not_asked_for_is_one_line(tmp_path: Path) -> None:
    config = RolloutConfig(frames=100, policies={"random": 1})
    with pytest.raises(WorldvaeError, match=r"an agent that rollouts\.policies does not name"):
        collect(RolloutStore.create(tmp_path, ENV), config, 0, lambda *_: np.zeros(2, int))


COLLECT = """
import sys, time
from pathlib import Path
from worldvae.envs import EnvConfig
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
env = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
store = RolloutStore.create(Path(sys.argv[1]), env)
print("ready", flush=True)
collect(store, RolloutConfig(frames=20_000, num_envs=4, policies={"random": 1.0}), seed=0)
"""


def _wait_for_lines(path: Path, count: int) -> None:
    """Until a process that writes `path` has written so many, however busy the machine is."""
    deadline = time.monotonic() + 120
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, f"{path} does not grow"
        time.sleep(0.01)


def test_killed_ten_times_no_finished_episode_is_lost(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    root = Path(__file__).parents[2]
    kept: list[str] = []
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", COLLECT, str(tmp_path / "rollouts")],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        _wait_for_lines(tmp_path / "rollouts" / "manifest.jsonl", len(kept) + 3)
        time.sleep(generator.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = RolloutStore(tmp_path / "rollouts")
        hashes = [record.frames_sha256 + record.arrays_sha256 for record in store.healthy()]
        assert len(hashes) == len(store.records), "what the manifest lists is whole"
        assert hashes[: len(kept)] == kept, "what was finished stays as it was"
        assert [record.name for record in store.records] == [f"{i:06d}" for i in range(len(hashes))]
        kept = hashes
    assert len(kept) >= 30
    seeds = {record.seed for record in RolloutStore(tmp_path / "rollouts").records}
    assert len(seeds) > 5, "each call plays new worlds"
