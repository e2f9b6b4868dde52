import numpy as np

from worldvae.rollouts.rollout import Tape


def test_a_tape_grows_and_keeps_every_frame() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3)).astype(np.uint8)
    tape = Tape(frames[0], None, room=1)
    for step, frame in enumerate(frames[1:]):
        tape.add(np.array([step, -step]), 0.5 * step, frame, None)
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
    tape = Tape(frame, np.zeros(2), room=9)
    frame += 1
    tape.add(0, 1.0, frame, np.ones(2))
    frame += 1
    episode = tape.episode(0, "random", terminated=False)
    assert episode.obs[:, 0, 0, 0].tolist() == [0, 1]
    assert episode.state is not None
    assert episode.state.tolist() == [[0, 0], [1, 1]]
    assert episode.truncated.tolist() == [True]
