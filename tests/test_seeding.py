import numpy as np

from worldvae.seeding import derive, numpy_stream


def test_same_names_same_stream_other_names_another() -> None:
    draws = {
        names: numpy_stream(*names).random(4).tobytes()
        for names in [(0, "a"), (1, "a"), (0, "b"), (0, "a", 1), (0, "a", 2), (0,)]
    }
    assert len(set(draws.values())) == len(draws)
    assert numpy_stream(0, "a").random(4).tobytes() == draws[(0, "a")]


def test_derived_seeds_fit_everywhere_and_collide_as_rarely_as_chance() -> None:
    seeds = [derive(0, "episode", i) for i in range(2_000)]
    assert 0 <= min(seeds) <= max(seeds) < 2**31
    # Birthday bound: 2000^2 / 2 / 2^31 = 0.0009 expected collisions.
    assert len(set(seeds)) == len(seeds)


def test_a_stream_is_uniform() -> None:
    values = numpy_stream(3, "x").random(10_000)
    assert abs(values.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 10_000)
