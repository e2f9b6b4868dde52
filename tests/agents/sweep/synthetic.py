"""Points of sweeps whose answer is known."""

from typing import Any

from agents.sweep.points import Point

GRID = (0.01, 0.1, 1.0, 10.0, 100.0)


def point(beta: float, **changed: Any) -> Point:
    """A good code: all of it active, nothing lost, no overfitting, no true state recorded."""
    numbers = {
        "latents": 8,
        "beta": beta,
        "rate": 10 / beta,
        "mse_train": 0.01,
        "mse_held_out": 0.01,
        "overfitting": 1.0,
        "overfitting_low": 0.9,
        "overfitting_high": 1.1,
        "lost": 0.0,
        "lost_moving": 0.0,
        "lost_static": 0.0,
        "active": 8,
        "probes": None,
        "floor": None,
    }
    return Point(**{**numbers, **changed})


def curve(**columns: Any) -> list[Point]:
    """A point for each beta of GRID; a column is its number for each of them."""
    rows = zip(*columns.values(), strict=True)
    pairs = zip(GRID, rows, strict=True)
    return [point(beta, **dict(zip(columns, row, strict=True))) for beta, row in pairs]
