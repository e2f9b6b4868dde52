"""Exports an encoder alone: an environment's own frame in, latents out."""

from __future__ import annotations

from pathlib import Path

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.observations import ImageLayout
from worldvae.export.frames import FrameReader
from worldvae.export.interface import frame_spec
from worldvae.export.observing import StackGraph, frames_spec
from worldvae.export.onnx_file import check_onnx, write_onnx
from worldvae.export.signature import (
    EPISODE_START,
    FRAME,
    STARTS,
    ExportCard,
    ExportedGraph,
    Tensors,
    floats,
    next_of,
)
from worldvae.versions import library_versions


class EncoderGraph(ExportedGraph):
    """Encodes frames of the shape that the encoder's card names: posterior means."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        card, shape = encoder.card, encoder.card.source_shape
        layout = ImageLayout("last" if len(shape) == 3 else "none", 255.0)
        self._read = FrameReader(layout, shape, card.frame)
        self._stack = StackGraph(encoder.stack, frames_spec(card.frame.shape))
        self._encode = encoder.trainable().eval().requires_grad_(False)
        states = self._stack.states
        frame = frame_spec(shape, "uint8", layout, "the environment shows it")
        self.inputs = (frame, *((STARTS, *states) if states else ()))
        self.outputs = (
            floats("latents", "posterior mean of each latent", encoder.latents),
            floats("whitened", "the same in deviations of the training frames", encoder.latents),
            *next_of(states),
        )

    def compute(self, tensors: Tensors) -> Tensors:
        frames = self._read(tensors[FRAME])
        stacks, states = self._stack(frames, tensors.get(EPISODE_START), tensors)
        whitened = self._encode(stacks)
        latents = whitened * self._encode.scale + self._encode.mean
        return {"latents": latents, "whitened": whitened, **states}


def export_encoder(folder: Path, path: Path) -> ExportCard:
    """Write the encoder in `folder` to `path` as ONNX, and return what its metadata say.

    Raises ArtifactError if there is no whole encoder, ConfigError without the extra for exports.
    """
    check_onnx()
    encoder = Encoder.load(folder)
    graph, origin = EncoderGraph(encoder), encoder.card
    card = ExportCard(
        kind="encoder",
        inputs=graph.inputs,
        outputs=graph.outputs,
        made_from={"encoder": hash_encoder(folder), "rollouts": origin.data_sha256},
        env_id=origin.env_id,
        preprocessing=str(origin.frame),
        settings={"trained": origin.trained, "scores": origin.scores},
        versions=library_versions(),
    )
    write_onnx(path, graph, card)
    return card
