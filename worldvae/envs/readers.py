"""Readers of the true state for the environments that many use; see `state.state_reader`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from worldvae.envs.state import state_reader

TILES_AHEAD = (5, 10)
"""CarRacing: the second is about where the road leaves the frame."""

MUJOCO = (
    "Ant",
    "HalfCheetah",
    "Hopper",
    "Humanoid",
    "HumanoidStandup",
    "InvertedDoublePendulum",
    "InvertedPendulum",
    "Pusher",
    "Reacher",
    "Swimmer",
    "Walker2d",
)


def read_ram(env: Any, addresses: Mapping[str, int]) -> dict[str, int]:
    """Bytes of an Atari game's RAM, which name its objects' places as the program counts them."""
    ram = env.ale.getRAM()
    return {name: int(ram[address]) for name, address in addresses.items()}


def register_atari(path: Path) -> None:
    """One reader for each game that `path` knows, its variables named "category.variable"."""
    for game, categories in json.loads(path.read_text(encoding="utf-8"))["games"].items():
        addresses = {
            f"{category}.{name}": address
            for category, variables in categories.items()
            for name, address in variables.items()
        }
        state_reader(f"ALE/{game}-")(partial(read_ram, addresses=addresses))


register_atari(Path(__file__).with_name("atari_ram.json"))


@state_reader("CarRacing-")
def read_car(env: Any) -> dict[str, float]:
    """The car in the world and on the road; metres and radians, turns to the left positive.

    `road.offset` is the distance to the right of the centre line in widths of the track, so
    that 0.5 is its edge; `road.turn_N` the turn that the road makes over the next N tiles.
    """
    from gymnasium.envs.box2d.car_racing import TRACK_WIDTH

    hull = env.car.hull
    road = np.asarray(env.track)[:, 1:]  # (tiles, 3): heading, x, y; heading 0 is along +y
    way = np.asarray(hull.position) - road[:, 1:]
    nearest = int(np.argmin((way**2).sum(axis=1)))
    heading = road[nearest, 0]
    rightwards = float(way[nearest] @ (np.cos(heading), np.sin(heading)))
    turns = {
        f"road.turn_{n}": wrap_angle(road[(nearest + n) % len(road), 0] - heading)
        for n in TILES_AHEAD
    }
    return {
        "car.x": float(hull.position.x),
        "car.y": float(hull.position.y),
        "car.speed": float(hull.linearVelocity.length),
        "car.steering": float(env.car.wheels[0].joint.angle),
        "road.angle": wrap_angle(hull.angle - heading),
        # Gymnasium's TRACK_WIDTH reaches from the centre line to the edge.
        "road.offset": rightwards / (2 * TRACK_WIDTH),
        **turns,
        "lap.visited": env.tile_visited_count / len(road),
    }


def wrap_angle(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


@state_reader("MiniGrid-", "BabyAI-")
def read_grid(env: Any) -> dict[str, int]:
    """Cells and directions as MiniGrid numbers them.

    Of goal, key, door, ball and box the place, -1 unless there is just one on the grid.
    """
    from minigrid.core.constants import OBJECT_TO_IDX

    carried = "empty" if env.carrying is None else env.carrying.type
    state = {
        "agent.x": int(env.agent_pos[0]),
        "agent.y": int(env.agent_pos[1]),
        "agent.direction": int(env.agent_dir),
        "agent.carrying": OBJECT_TO_IDX[carried],
    }
    for kind in ("goal", "key", "door", "ball", "box"):
        cells = [(i, cell) for i, cell in enumerate(env.grid.grid) if cell and cell.type == kind]
        place, thing = cells[0] if len(cells) == 1 else (-1, None)
        y, x = divmod(place, env.grid.width) if thing else (-1, -1)
        state |= {f"{kind}.x": x, f"{kind}.y": y}
        if kind == "door":
            state["door.open"] = int(thing.is_open) if thing else -1
    return state


@state_reader(*(f"{name}-" for name in MUJOCO))
def read_mujoco(env: Any) -> dict[str, float]:
    """Generalised positions and velocities, numbered as in the model."""
    parts = {"qpos": env.data.qpos, "qvel": env.data.qvel}
    return {f"{part}.{i}": float(x) for part, values in parts.items() for i, x in enumerate(values)}


@state_reader("Vizdoom")
def read_doom(env: Any) -> dict[str, float]:
    """The scenario's game variables, health, position and angle.

    NaN in the last frame of an episode, which ViZDoom leaves black.
    """
    Variable = import_module("vizdoom").GameVariable
    always = [Variable.HEALTH, Variable.POSITION_X, Variable.POSITION_Y, Variable.ANGLE]
    variables = dict.fromkeys([*env.game.get_available_game_variables(), *always])
    return {
        f"player.{variable.name.lower()}": (
            float("nan") if env.state is None else env.game.get_game_variable(variable)
        )
        for variable in variables
    }
