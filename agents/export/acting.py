"""Acts with an exported agent, with onnxruntime and NumPy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.export.signature import (
    ACTION,
    EPISODE_START,
    FRAME,
    KEY,
    METADATA,
    NEXT,
    NOISE,
    STATE,
    ExportCard,
)


class ExportedAgent:
    """An exported agent that keeps its past, for N environments.

    Args:
        path: The file that `export_agent` wrote.
        num_envs: N.
        threads: How many threads compute.
    """

    def __init__(self, path: Path, num_envs: int = 1, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        text = self._session.get_modelmeta().custom_metadata_map[METADATA]
        self.card = ExportCard.model_validate_json(text)
        self._names = [spec.name for spec in self.card.outputs]
        self._types = {spec.name: spec.dtype for spec in self.card.inputs}
        self.inputs: dict[str, NDArray[Any]] = {
            spec.name: np.zeros((num_envs, *spec.shape), spec.dtype) for spec in self.card.inputs
        }
        """The inputs of the next decision; the states are those that the last one gave."""

    def __call__(
        self,
        frames: NDArray[Any],
        episode_start: NDArray[np.bool_],
        keys: dict[str, NDArray[Any]] | None = None,
        noise: NDArray[np.floating[Any]] | None = None,
    ) -> NDArray[Any]:
        """Return the environments' own actions (N, ...) for their own frames (N, ...).

        What is given is cast to the types of the inputs, as environments need not show arrays of
        exactly the type that their spaces declare.

        Args:
            episode_start: (N,), whether a frame is the first of an episode.
            keys: The other keys of Dict observations, as the environment shows them; those that the
                agent does not observe are left out.
            noise: What the description of the input `noise` says; None: zeros, the mode.
        """
        self.inputs |= {FRAME: frames, EPISODE_START: episode_start}
        named = {KEY + key: values for key, values in (keys or {}).items()}
        self.inputs |= {name: values for name, values in named.items() if name in self.inputs}
        if NOISE in self.inputs:
            zeros = np.zeros_like(self.inputs[NOISE])
            self.inputs[NOISE] = zeros if noise is None else noise
        for name, values in self.inputs.items():
            self.inputs[name] = np.asarray(values, self._types[name])
        outputs = dict(zip(self._names, self._session.run(self._names, self.inputs), strict=True))
        for name, values in outputs.items():
            if name.startswith(NEXT):
                self.inputs[STATE + name.removeprefix(NEXT)] = values
        return np.asarray(outputs[ACTION])
