"""An agent as a function of a dream: what it does, and how likely it was to do it."""

from __future__ import annotations

from collections.abc import Sequence

from agents.export.policy import PolicyGraph
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.export.dream_observing import GivenMemoryGraph
from worldvae.export.observing import ObserverGraph
from worldvae.export.remembering import LAST_ACTION
from worldvae.export.signature import (
    ACTION,
    EPISODE_START,
    KEY,
    STARTS,
    ExportedGraph,
    Tensors,
    TensorSpec,
    floats,
    next_of,
)

SEEN = "seen"
"""The input that holds the dream's latents, or the frame that is decoded of them."""


class DreamingAgentGraph(ExportedGraph):
    """An agent that observes latents or frames of a dream, and the keys beside them.

    Args:
        seen: What it sees: the spec of latents (Z,), or of a frame (H, W, C).
        action: The spec of an action of its policy.
        keys: The keys that dreams have beside the frame.
        image_key: The key of the image in a Dict observation; None: it is the observation.
    """

    def __init__(
        self,
        seen: TensorSpec,
        action: TensorSpec,
        keys: Sequence[KeyUnits],
        image_key: str | None,
        observer: ObserverGraph,
        policy: PolicyGraph,
    ) -> None:
        super().__init__()
        self._observer, self._policy, self._image_key = observer, policy, image_key
        self._keys = [key.name for key in keys]
        states = (*observer.states, *policy.states)
        carried = (observer.carried,) if isinstance(observer, GivenMemoryGraph) else ()
        noise = () if policy.noise is None else (policy.noise,)
        beside = (floats(KEY + key.name, "in its own units", key.size) for key in keys)
        self.inputs = (seen, *beside, *carried, STARTS, *noise, *states)
        kept = [state for state in states if state.name != LAST_ACTION]
        self.outputs = (action, *policy.says, *next_of(tuple(kept)))

    def compute(self, tensors: Tensors) -> Tensors:
        starts = tensors[EPISODE_START]
        keys = {name: tensors[KEY + name] for name in self._keys}
        seen, states = self._observer(tensors[SEEN], keys, starts, tensors)
        observation = seen if self._image_key is None else {self._image_key: seen, **keys}
        decision = self._policy.decide(observation, starts, tensors)
        return {ACTION: decision.actions, **decision.says, **states, **decision.states}
