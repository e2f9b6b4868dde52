"""Things that stand still against frames in which each of them was laid by hand."""

import numpy as np

from worldvae.diagnostics.metrics.things import CLEAR, Things, measure_still_things

FRAMES = 10


def nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    shape = (FRAMES, 16, 16)
    return np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, bool)


def test_a_small_thing_counts_as_much_as_a_large_one() -> None:
    """A wall of half the frame is drawn, two goals of four pixels are not: two thirds are lost."""
    deviation, error, moved = nothing()
    deviation[:, :, 8:] = 1
    for goal in (np.s_[:, 1:3, 1:3], np.s_[:, 10:14, 2]):
        deviation[goal], error[goal] = 1, 0.6
    error[:, :, 8:] = 0.1
    found = measure_still_things(deviation, error, moved)
    assert found == Things(per_frame=3, lost=2 / 3)


def test_a_corner_connects_and_a_thing_is_lost_from_half_of_it_on() -> None:
    deviation, error, moved = nothing()
    for place in range(4):
        deviation[:, place, place] = 1
        deviation[:, 8 + place, place] = 1
    error[:, 0, 0], error[:, 1, 1] = 1, 1.0  # exactly half of the first
    error[:, 8, 0], error[:, 9, 1], error[:, 10, 2] = 1, 1, 0.1
    assert measure_still_things(deviation, error, moved) == Things(per_frame=2, lost=0.5)


def test_what_moves_what_is_small_and_what_is_faint_is_no_still_thing() -> None:
    deviation, error, moved = nothing()
    kept, lost = np.s_[:, 1:3, 1:3], np.s_[:, 1:3, 6:8]
    moving, small, faint = np.s_[:, 6:10, 6:10], np.s_[:, 12, 1:4], np.s_[:, 4, 12:16]
    deviation[kept] = deviation[lost] = deviation[moving] = deviation[small] = 1
    deviation[faint] = CLEAR  # no more than the limit
    error[lost] = error[moving] = error[small] = error[faint] = 1
    moved[:, 7, 7] = True  # one pixel of it
    assert measure_still_things(deviation, error, moved) == Things(per_frame=2, lost=0.5)


def test_of_few_things_no_share_is_told() -> None:
    deviation, error, moved = nothing()
    assert measure_still_things(deviation, error, moved) is None
    deviation[:, 1:3, 1:3] = 1
    assert measure_still_things(deviation, error, moved) is None, "ten in all"
