"""Rows against other libraries' dreams, where these are installed: pip install simulusion mbrl.

Simulusion's world model after Ha & Schmidhuber (2018) is an LSTM with a mixture of Gaussians. Its
environment runs one dream; its model steps a batch, without starts, sampled ends or observations.
MBRL-Lib's `ModelEnv` steps a batch of a Gaussian network, which has no memory; ends are a rule that
its user writes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import DECISIONS, many_dreams
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row

GAUSSIANS = 5
ACTIONS = 2


def peer_rows(ours: str) -> tuple[Row, ...]:
    """Return the rows of the peers that are installed; `ours` names our side."""
    peers: tuple[tuple[str, str, str, Callable[[Bench], Side]], ...] = (
        ("simulusion", "", "Simulusion's environment, one by one", _environments),
        ("simulusion", "-model", "Simulusion's bare model, one call", _bare_model),
        ("mbrl", "", "MBRL-Lib's ModelEnv, which has no memory, one call", _model_env),
    )
    return tuple(
        Row(f"dream-{name}{of}", "Dream", ours, theirs, DECISIONS, None, _against(side))
        for name, of, theirs, side in peers
        if find_spec(name) is not None
    )


def _against(theirs: Callable[[Bench], Side]) -> Callable[[Bench], Comparison]:
    return lambda bench: bench.compare(Contest(many_dreams(bench), theirs(bench)))


def _world_model(bench: Bench) -> Any:
    from simulusion.models.mdrnn import MDRNNCell
    from simulusion.vision.VAE.ConvVAE import ConvVAE
    from simulusion.world_model.vae_mdrnn import MDRNNWorldModel

    latents = bench.config.lean_pretrain.latents
    cell = MDRNNCell(latents, ACTIONS, bench.config.dream.network.memory, GAUSSIANS)
    vae = ConvVAE(img_channels=3, latent_size=latents).to(bench.device)
    return MDRNNWorldModel(vae, cell.to(bench.device))


def _start(model: Any, count: int) -> dict[str, Tensor]:
    hidden, cell = model.cell.get_init_hidden(count)
    return {
        "z": torch.zeros(count, model.cell.latents, device=hidden.device),
        "h": hidden,
        "c": cell,
    }


def _bare_model(bench: Bench) -> Side:
    """Return a side that steps a batch of its model and copies what an agent needs."""
    settings, model = bench.config.dream, _world_model(bench)
    actions = torch.zeros(settings.num_envs, ACTIONS, device=bench.device)

    @torch.no_grad()
    def play(watch: Stopwatch) -> float:
        state = _start(model, settings.num_envs)
        for _ in range(settings.vector_steps):
            step = model.step(state, actions)
            state = step.state
            for part in (state["z"], step.reward, step.terminated):
                part.cpu().numpy()
        return settings.vector_steps * settings.num_envs

    return play


def _environments(bench: Bench) -> Side:
    """Return a side that steps as many of its environments one after the other."""
    from simulusion.envs.world_model_env import WorldModelEnv

    settings, model = bench.config.dream, _world_model(bench)
    steps = max(1, settings.vector_steps // 10)
    latents = bench.config.lean_pretrain.latents
    observations = spaces.Box(-np.inf, np.inf, (latents,), np.float32)

    def begin(_: Any) -> dict[str, Any]:
        return {"state": _start(model, 1), "observation": np.zeros(latents, np.float32)}

    @torch.no_grad()
    def move(_: Any, state: Any, action: Tensor) -> dict[str, Any]:
        step = model.step(state, action[None])
        seen = {"state": step.state, "observation": step.state["z"][0]}
        return {**seen, "reward": step.reward, "terminated": bool(step.terminated)}

    def play(watch: Stopwatch) -> float:
        with watch.paused():
            arguments = {"reset_fn": begin, "transition_fn": move, "device": bench.device}
            box = spaces.Box(-1, 1, (ACTIONS,), np.float32)
            envs = [
                WorldModelEnv(model, observations, box, **arguments)
                for _ in range(settings.num_envs)
            ]
            for env in envs:
                env.reset()
        for _ in range(steps):
            for env in envs:
                _, _, terminated, _, _ = env.step(np.zeros(ACTIONS, np.float32))
                if terminated:
                    env.reset()
        return steps * settings.num_envs

    return play


def _model_env(bench: Bench) -> Side:
    """Return a side that steps a batch of MBRL-Lib's own network for as many numbers."""
    from mbrl.models import GaussianMLP, ModelEnv, OneDTransitionRewardModel

    settings, latents = bench.config.dream, bench.config.lean_pretrain.latents
    network = GaussianMLP(latents + ACTIONS, latents + 1, bench.device)
    observations = spaces.Box(-np.inf, np.inf, (latents,), np.float32)
    box = spaces.Box(-1, 1, (ACTIONS,), np.float32)
    spaced = SimpleNamespace(observation_space=observations, action_space=box)

    def never(_: Tensor, seen: Tensor) -> Tensor:
        return torch.zeros(len(seen), 1, dtype=torch.bool, device=seen.device)

    def play(watch: Stopwatch) -> float:
        env = ModelEnv(spaced, OneDTransitionRewardModel(network), never)
        actions = np.zeros((settings.num_envs, ACTIONS), np.float32)
        state = env.reset(np.zeros((settings.num_envs, latents), np.float32))
        for _ in range(settings.vector_steps):
            _, _, _, state = env.step(actions, state, sample=True)
        return settings.vector_steps * settings.num_envs

    return play
