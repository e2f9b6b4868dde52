"""The row of exported agents: a decision by the file, and by the agent that it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents.agent_task import AgentTask, new_card
from agents.arms.build import open_training
from agents.arms.registry import UNTRAINED
from agents.benchmark.bench import Bench
from agents.benchmark.measure import Comparison, Contest, Stopwatch
from agents.benchmark.rows import Row, Unit
from agents.config.experiment import Experiment
from agents.export.acting import ExportedAgent
from agents.export.agent import export_agent
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.policy.checkpoint import save_agent
from agents.prepare import prepare_untrained_encoder
from worldvae.envs.frames import preprocess
from worldvae.export.signature import FRAME
from worldvae.seeding import numpy_stream


def export_rows() -> tuple[Row, ...]:
    """Return the row: milliseconds from the environment's own frame to its action."""
    ours, theirs = "exported agent, onnxruntime alone", "encoder, Stable-Baselines3's predict"
    unit = Unit("ms/decision", is_time=True, scale=1e3)
    return (Row("export", "Exported agent", ours, theirs, unit, 1.0, _act),)


def _act(bench: Bench) -> Comparison:
    config, decisions = bench.config, bench.config.export.decisions
    experiment = bench.experiment(config.car_racing, config.lean_pretrain, config.agent)
    prepare_untrained_encoder(experiment)
    folder = _save_agent(experiment, bench.device)
    with bench.scratch() as scratch:
        export_agent(folder, scratch / "agent.onnx")
        exported = ExportedAgent(scratch / "agent.onnx", threads=config.export.threads)
    agent = Agent.load(folder)
    shape = exported.inputs[FRAME].shape
    frames = numpy_stream(config.seed, "export").integers(0, 256, (decisions, *shape), np.uint8)
    starts = np.arange(decisions)[:, None] == 0

    def ours(_: Stopwatch) -> float:
        for frame, start in zip(frames, starts, strict=True):
            exported(frame, start)
        return decisions

    def theirs(_: Stopwatch) -> float:
        for (frame,), start in zip(frames, starts, strict=True):
            agent(preprocess(frame, config.car_racing.frame)[None], start)
        return decisions

    return bench.compare(Contest(ours, theirs))


def _save_agent(experiment: Experiment, device: str) -> Path:
    """Save an agent that never trained, which is as fast as a trained one; return its folder."""
    task = AgentTask.of(experiment, UNTRAINED.name, experiment.seed, "scripts.benchmark")
    training = open_training(task.setup, experiment.seed)
    try:
        settings, arguments = task.setup.agent, task.setup.policy_arguments()
        model = make_model(settings, training.env, experiment.seed, device, arguments)
    finally:
        training.env.close()
    task.folder.mkdir(parents=True, exist_ok=True)
    save_agent(task.folder, model, new_card(task))
    return task.folder
