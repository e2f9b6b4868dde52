"""How a store of very many frames grows: memory and seconds to open, to list, and to verify."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

from agents.benchmark.bench import Bench
from agents.benchmark.measure import Side
from agents.benchmark.memory import linked_store
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.manifest import unlisted

LENGTH = 1_000
"""Frames of an episode of noise."""

DISTINCT = 2
"""Episodes that are no hard links."""


def store_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure stores of which all but two episodes are hard links.

    The frames of these two stay in the page cache, so verifying is hashing without a disk.
    """
    settings, stage, frames = bench.config.scaling, "store", "frames stored"
    with bench.scratch() as folder:

        def opened(count: int) -> Side:
            path = _noise(bench, folder, count)
            return _once(lambda: RolloutStore(path))

        def listed(count: int) -> Side:
            store = RolloutStore(_noise(bench, folder, count))
            return _once(lambda: unlisted(store.folder, store.records))

        def verified(count: int) -> Side:
            store = RolloutStore(_noise(bench, folder, count))
            return _once(store.healthy)

        kept = tuple(_bytes_held(_noise(bench, folder, count)) / 1e6 for count in settings.opened)
        return [
            measure_curve(bench, stage, (frames, "s to open"), 1, settings.opened, opened),
            measure_curve(bench, stage, (frames, "s to list"), 1, settings.opened, listed),
            measure_curve(bench, stage, (frames, "s to verify"), 1, settings.stored, verified),
            ScalingCurve(
                stage=stage,
                quantity=frames,
                cost="MB held when open",
                expected=1,
                x=settings.opened,
                y=kept,
            ),
        ]


def _noise(bench: Bench, folder: Path, count: int) -> Path:
    """Return the store of `count` frames of noise in `folder`, which the first call makes."""
    path = folder / str(count)
    if not path.exists():
        shape = (max(DISTINCT, count // LENGTH), LENGTH - 1, DISTINCT)
        linked_store(path, bench.config.car_racing, shape, bench.seed("scaling"))
    return path


def _once(work: Callable[[], object]) -> Side:
    """Return a side that does `work`, as one piece of work."""

    def side(_: object) -> float:
        work()
        return 1

    return side


def _bytes_held(folder: Path) -> int:
    """Return the bytes that Python holds for an open store."""
    tracemalloc.start()
    try:
        store = RolloutStore(folder)
        held, _ = tracemalloc.get_traced_memory()
        del store
    finally:
        tracemalloc.stop()
    return held
