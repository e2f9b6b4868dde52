"""Scores of one encoder, for tables of many encoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field

from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.config import Measure
from worldvae.diagnostics.examination import Sample, Subject, draw_samples, reconstruct
from worldvae.diagnostics.metrics.probes import ProbeResult, Protocol, read
from worldvae.diagnostics.metrics.reconstruction import (
    Reconstruction,
    measure_code,
    measure_reconstruction,
)
from worldvae.diagnostics.metrics.state import DisentanglementScores, score_disentanglement
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.diagnostics.splits import Splits
from worldvae.json_files import Content
from worldvae.rollouts import RolloutStore
from worldvae.seeding import derive

MOST_SCORED_FRAMES = 50_000  # at most, all splits together
RECONSTRUCTED = 2_000


class EncoderScores(Content):
    """The scores of one encoder: reconstruction, use of the latents, and optional measurements."""

    reconstruction: Reconstruction
    active: int = Field(description="Latents that vary with the frame.")
    latents: int
    probes: ProbeResult | None = Field(
        None, description="The best linear maps from whitened latents, which agents observe."
    )
    published_probes: ProbeResult | None = Field(
        None, description="AtariARI's own protocol on posterior means without whitening."
    )
    whitened_published_probes: ProbeResult | None = Field(
        None, description="AtariARI's own protocol on whitened latents, which agents observe."
    )
    majority_probes: ProbeResult | None = Field(
        None, description="Without any latent: the commonest value, or the mean, of each variable."
    )
    disentanglement: DisentanglementScores | None = Field(
        None, description="Null also if fewer than two variables of the state vary."
    )


def score_encoder(
    encoder: Encoder, store: RolloutStore, measures: tuple[Measure, ...], seed: int
) -> EncoderScores:
    """Measure reconstruction and the use of latents, and what `measures` names."""
    subject = Subject.open(encoder, store)
    scores = _reconstruction(subject, seed)
    if not measures:
        return scores
    samples, found = draw_samples(subject, seed, MOST_SCORED_FRAMES), dict[str, Any]()
    seen = samples.each(lambda sample: encoder.whiten(sample.codes))
    if "probes" in measures:
        found["probes"] = _probe(subject, samples, seen, "converged", seed)
    if "published_probes" in measures:
        codes = samples.each(lambda sample: sample.codes)
        found["published_probes"] = _probe(subject, samples, codes, "published", seed)
        found["whitened_published_probes"] = _probe(subject, samples, seen, "published", seed)
    if found:
        nothing = samples.each(lambda sample: np.zeros((len(sample.codes), 0)))
        found["majority_probes"] = _probe(subject, samples, nothing, "converged", seed)
    if "disentanglement" in measures:
        found["disentanglement"], _ = score_disentanglement(samples, store.state_variables, seed)
    return scores.model_copy(update=found)


def _reconstruction(subject: Subject, seed: int) -> EncoderScores:
    generator = torch.Generator().manual_seed(derive(seed, "scores"))
    splits = subject.splits.train, subject.splits.test
    train, held_out = (reconstruct(subject, split, RECONSTRUCTED, generator) for split in splits)
    is_point = not subject.model.config.objective.is_variational
    code = measure_code(train.codes, held_out.kl, is_point)
    errors = measure_reconstruction(train, held_out)
    return EncoderScores(reconstruction=errors, active=code.active, latents=code.latents)


def _probe(
    subject: Subject, samples: Splits[Sample], features: Parts, protocol: Protocol, seed: int
) -> ProbeResult:
    variables = subject.store.state_variables
    return read(
        features,
        state=samples.each(lambda sample: sample.state),
        names=[variable.name for variable in variables],
        discrete=[variable.discrete for variable in variables],
        hashes=samples.each(lambda sample: sample.hashes),
        seed=seed,
        protocol=protocol,
    ).result
