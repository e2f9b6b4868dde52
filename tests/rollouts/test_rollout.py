import numpy as np

from worldvae.envs import EnvConfig, make_vec
from worldvae.rollouts import RandomPolicy
from worldvae.rollouts.rollout import Rollout, Snapshot, Tape


def test_a_tape_grows_and_keeps_every_frame() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3)).astype(np.uint8)
    tape = Tape(Snapshot(frames[0], None, None), np.empty((1, 4, 4, 3), np.uint8))
    for step, frame in enumerate(frames[1:]):
        tape.add(np.array([step, -step]), 0.5 * step, Snapshot(frame, None, None))
        assert tape.length == step + 1
    episode = tape.episode(3, "random", terminated=True)
    assert (episode.obs == frames).all()
    assert episode.action.tolist() == [[step, -step] for step in range(49)]
    assert episode.reward.tolist() == [0.5 * step for step in range(49)]
    assert episode.terminated.tolist() == [False] * 48 + [True]
    assert not episode.truncated.any()
    assert (episode.seed, episode.policy, episode.state) == (3, "random", None)


def test_a_frame_and_a_state_are_kept_though_the_environment_writes_over_its_own() -> None:
    frame = np.zeros((4, 4, 3), np.uint8)
    tape = Tape(Snapshot(frame, np.zeros(2), None), np.empty((9, 4, 4, 3), np.uint8))
    frame += 1
    tape.add(0, 1.0, Snapshot(frame, np.ones(2), None))
    frame += 1
    episode = tape.episode(0, "random", terminated=False)
    assert episode.obs[:, 0, 0, 0].tolist() == [0, 1]
    assert episode.state is not None
    assert episode.state.tolist() == [[0, 0], [1, 1]]
    assert episode.truncated.tolist() == [True]


def test_memory_is_used_again_only_after_it_was_given_back() -> None:
    """A clock's frames show its age: what was not given back stays right, whatever follows."""
    config = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
    env = make_vec(config, 2, seed=0)
    policy = RandomPolicy(env.single_action_space, np.random.default_rng(0))
    rollout = Rollout(env, {"random": policy}, [1.0], seed=0)
    kept, memories = [], []
    for _ in range(60):
        for episode in rollout.step():
            memories.append(episode.obs.__array_interface__["data"][0])
            assert (episode.obs[:, 0, 0, 0] == 10 * np.arange(len(episode.obs))).all()
            if len(memories) % 3:
                rollout.recycle(episode)
            else:
                kept.append(episode)
    assert len(set(memories)) < len(memories) / 2
    assert len({episode.obs.__array_interface__["data"][0] for episode in kept}) == len(kept) > 3
    for episode in kept:
        assert (episode.obs[:, 0, 0, 0] == 10 * np.arange(len(episode.obs))).all()
    env.close()
