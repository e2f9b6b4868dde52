"""Exports a trained agent: the environment's own frame in, the environment's own action out."""

from __future__ import annotations

from pathlib import Path

from agents.arms.observers import OBSERVERS
from agents.arms.registry import ARMS
from agents.export.policy import PolicyGraph, policy_graph
from agents.policy.agent import Agent
from agents.run.agent_card import AgentCard, own_dynamics, read_card
from agents.video.play import evaluation_settings
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.errors import ConfigError
from worldvae.export.ends import ActionWriter, KeyReader, action_card
from worldvae.export.frames import FrameReader
from worldvae.export.interface import EnvInterface, interface_of
from worldvae.export.observing import FramesGraph, LatentsGraph, MemoryGraph, ObserverGraph
from worldvae.export.onnx_file import check_onnx, write_onnx
from worldvae.export.remembering import LAST_ACTION
from worldvae.export.signature import (
    ACTION,
    EPISODE_START,
    FRAME,
    STARTS,
    ExportCard,
    ExportedGraph,
    Tensors,
    next_name,
    next_of,
)
from worldvae.versions import library_versions


class AgentGraph(ExportedGraph):
    """An agent as a function of frames, keys, noise and its past."""

    def __init__(
        self,
        interface: EnvInterface,
        card: AgentCard,
        observer: ObserverGraph,
        policy: PolicyGraph,
    ) -> None:
        super().__init__()
        self._observer, self._policy = observer, policy
        self._image_key = card.env.image_key
        self._read = FrameReader(interface.layout, interface.frame.shape, card.env.frame)
        self._keys = {key.key: KeyReader(key) for key in interface.keys}
        self._write = ActionWriter(interface.action_space, card.env.has_steer_throttle)
        states = (*observer.states, *policy.states)
        noise = () if policy.noise is None else (policy.noise,)
        keys = [reader.spec for reader in self._keys.values()]
        self.inputs = (interface.frame, *keys, STARTS, *noise, *states)
        self.outputs = (self._write.spec, *next_of(states))

    def compute(self, tensors: Tensors) -> Tensors:
        starts = tensors[EPISODE_START]
        keys = {key: read(tensors[read.spec.name]) for key, read in self._keys.items()}
        seen, states = self._observer(self._read(tensors[FRAME]), keys, starts, tensors)
        observation = seen if self._image_key is None else {self._image_key: seen, **keys}
        action, more = self._policy(observation, starts, tensors)
        return {
            ACTION: self._write(action),
            next_name(LAST_ACTION): action,
            **states,
            **more,
        }


def export_agent(folder: Path, path: Path) -> ExportCard:
    """Write the agent in `folder` to `path` as ONNX, and return what its metadata say.

    Its environment is made once, to see what it shows and takes. Raises ArtifactError if there is
    no whole agent, ConfigError if its arm observes no frames, or without the extra for exports.
    """
    check_onnx()
    card = read_card(folder)
    check_arm_shows_frames(folder, card)
    agent = Agent.load(folder)
    interface = interface_of(card.env.as_evaluated())
    observer = _observer_graph(folder, card, agent)
    graph = AgentGraph(interface, card, observer, policy_graph(agent.model, card.algorithm))
    about = _about(folder, card, interface, graph)
    write_onnx(path, graph, about)
    return about


def check_arm_shows_frames(folder: Path, card: AgentCard) -> None:
    """Raise ConfigError if the agent observes neither frames nor what is made of them."""
    arm = ARMS[card.arm]
    if not OBSERVERS[arm.observes].is_drawn:
        drawn = [one.name for one in ARMS.values() if OBSERVERS[one.observes].is_drawn]
        raise ConfigError(
            f"{folder}: an agent of the arm {arm.name} observes no frame ({arm.observes}), from "
            f"which a file could act; export one of {', '.join(drawn)}"
        )


def _observer_graph(folder: Path, card: AgentCard, agent: Agent) -> ObserverGraph:
    if agent.encode is None:
        return FramesGraph(card.env.frame.shape, card.stack)
    if not ARMS[card.arm].has_memory:
        return LatentsGraph(agent.encode, card.stack)
    # Checked by `Agent.load` to be those that the agent was trained with.
    return MemoryGraph(agent.encode, *load_dynamics(own_dynamics(folder, card)))


def _about(folder: Path, card: AgentCard, interface: EnvInterface, graph: AgentGraph) -> ExportCard:
    hashes = {
        "model": card.model_sha256,
        "encoder": card.encoder_sha256,
        "dynamics": card.dynamics_sha256,
    }
    speed = interface.steps_per_second
    trained = {"arm": card.arm, "algorithm": card.algorithm, "seed": card.seed}
    steps = {"env_steps": card.env_steps, "dreamed_steps": card.dreamed_steps}
    return ExportCard(
        kind="agent",
        inputs=graph.inputs,
        outputs=graph.outputs,
        made_from={name: digest for name, digest in hashes.items() if digest},
        env_id=card.env.id,
        preprocessing=str(card.env.frame),
        settings={**trained, **steps, "env": card.env.model_dump(mode="json", by_alias=True)},
        actions=action_card(interface.action_space, interface.action_names),
        action_repeat=card.env.action_repeat,
        decisions_per_second=None if speed is None else speed / card.env.action_repeat,
        samples=not evaluation_settings(folder).deterministic,
        versions=library_versions(),
    )
