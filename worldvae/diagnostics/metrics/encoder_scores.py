"""An encoder in numbers, for tables of many encoders."""

from __future__ import annotations

from typing import Any

import torch

from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.config import Measure
from worldvae.diagnostics.examination import Sample, Splits, Subject, draw_samples, reconstruct
from worldvae.diagnostics.metrics.probes import Protocol, probe
from worldvae.diagnostics.metrics.reconstruction import measure_code, measure_reconstruction
from worldvae.diagnostics.metrics.state import score_disentanglement
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.rollouts import RolloutStore
from worldvae.seeding import derive

FRAMES = 50_000  # at most, all splits together
RECONSTRUCTED = 2_000


def score_encoder(
    encoder: Encoder, store: RolloutStore, measures: tuple[Measure, ...], seed: int
) -> dict[str, Any]:
    """Held-out reconstruction and the use of the code, and what `measures` adds, JSON-able.

    probes: the best linear maps from whitened latents, which are what an agent sees.
    published_probes: AtariARI's own protocol on the posterior means as they are.
    """
    subject = Subject.open(encoder, store)
    scores = _reconstruction(subject, seed)
    if not measures:
        return scores
    samples = draw_samples(subject, seed, FRAMES)
    if "probes" in measures:
        seen = Parts(*(encoder.whiten(sample.codes) for sample in samples))
        scores["probes"] = _probe(subject, samples, seen, "converged", seed)
    if "published_probes" in measures:
        codes = Parts(*(sample.codes for sample in samples))
        scores["published_probes"] = _probe(subject, samples, codes, "published", seed)
    if "disentanglement" in measures:
        found, _ = score_disentanglement(samples, store.state_variables, seed)
        scores["disentanglement"] = None if found is None else found.model_dump()
    return scores


def _reconstruction(subject: Subject, seed: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(derive(seed, "scores"))
    train, _, held_out = (
        reconstruct(subject, split, RECONSTRUCTED, generator) for split in subject.splits
    )
    is_point = not subject.model.config.objective.is_variational
    code = measure_code(train.codes, held_out.kl, is_point)
    errors = measure_reconstruction(train, held_out)
    return {"reconstruction": errors.model_dump(), "active": code.active, "latents": code.latents}


def _probe(
    subject: Subject, samples: Splits[Sample], features: Parts, protocol: Protocol, seed: int
) -> dict[str, Any]:
    variables = subject.store.state_variables
    return probe(
        features,
        state=Parts(*(sample.state for sample in samples)),
        names=[variable.name for variable in variables],
        discrete=[variable.discrete for variable in variables],
        hashes=Parts(*(sample.hashes for sample in samples)),
        seed=seed,
        protocol=protocol,
    ).as_dict()
