"""Readers of the true state for widely used environments; see `state.state_reader`."""

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
"""How many tiles ahead CarRacing's turns are read; the road leaves the frame at about 10."""

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
    """Return bytes of an Atari game's RAM by name, such as positions in the game's own units."""
    ram = env.ale.getRAM()
    return {name: int(ram[address]) for name, address in addresses.items()}


def register_atari(path: Path) -> None:
    """Register a reader for each game in the JSON file `path`.

    The file maps game, category and variable to an address in the RAM; the variable is called
    "category.variable".
    """
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
    """Return position and motion of the car, in metres and radians; left turns are positive.

    `road.offset` is the distance to the right of the centre line in widths of the track, so that
    0.5 is its edge. `road.turn_N` is the angle by which the road turns over the next N tiles.
    """
    from gymnasium.envs.box2d.car_racing import TRACK_WIDTH

    hull = env.car.hull
    road = np.asarray(env.track)[:, 1:]  # (tiles, 3): heading, x, y; heading 0 is along +y
    from_tiles = np.asarray(hull.position) - road[:, 1:]
    nearest = int(np.argmin((from_tiles**2).sum(axis=1)))
    heading = road[nearest, 0]
    rightwards = float(from_tiles[nearest] @ (np.cos(heading), np.sin(heading)))
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
    """Return the same angle, in radians, in [-pi, pi)."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


@state_reader("MiniGrid-", "BabyAI-")
def read_grid(env: Any) -> dict[str, int]:
    """Return cells and directions, numbered as MiniGrid does.

    Goal, key, door, ball and box have a position if there is exactly one of them on the grid, else
    -1.
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
        index, found = cells[0] if len(cells) == 1 else (-1, None)
        y, x = divmod(index, env.grid.width) if found else (-1, -1)
        state |= {f"{kind}.x": x, f"{kind}.y": y}
        if kind == "door":
            state["door.open"] = int(found.is_open) if found else -1
    return state


@state_reader(*(f"{name}-" for name in MUJOCO))
def read_mujoco(env: Any) -> dict[str, float]:
    """Return the generalised positions and velocities, numbered as in MuJoCo's model."""
    parts = {"qpos": env.data.qpos, "qvel": env.data.qvel}
    return {f"{part}.{i}": float(x) for part, values in parts.items() for i, x in enumerate(values)}


@state_reader("Vizdoom")
def read_doom(env: Any) -> dict[str, float]:
    """Return the scenario's game variables, and health, position and angle of the player.

    All are NaN in the last frame of an episode, which is black in ViZDoom.
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
