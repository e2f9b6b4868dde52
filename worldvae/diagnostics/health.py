"""The health check of an encoder: measures what its latents keep and lose, and gives a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.examination import (
    Reconstructions,
    Sample,
    Subject,
    draw_samples,
    reconstruct,
)
from worldvae.diagnostics.metrics.neighbours import measure_neighbours
from worldvae.diagnostics.metrics.reconstruction import (
    measure_code,
    measure_overfitting,
    measure_reconstruction,
)
from worldvae.diagnostics.metrics.state import (
    has_state,
    probe_state,
    score_disentanglement,
    why_not_probed,
)
from worldvae.diagnostics.metrics.supervised import supervised_codes
from worldvae.diagnostics.page.write import write_page
from worldvae.diagnostics.rules.evidence import HEALTH, Evidence, Health
from worldvae.diagnostics.rules.findings import find, verdict_of
from worldvae.diagnostics.splits import Splits
from worldvae.envs.state import why_no_state
from worldvae.rollouts import RolloutStore
from worldvae.seeding import derive, numpy_stream

PROBED_FRAMES = 20_000
RECONSTRUCTED_FRAMES = 2_000


def diagnose(
    encoder: Encoder,
    store: RolloutStore,
    seed: int = 0,
    supervised: bool = False,
    command: str | None = None,
) -> Health:
    """Check `encoder` on the episodes of `store`, whose test split was not used in training.

    With `supervised` the same network is also trained on the true state, as the ceiling of the
    probes. `command` is what was typed, if the check is part of a command. Raises ArtifactError if
    a split is empty, or if its frames were preprocessed otherwise than those that the encoder was
    trained on.
    """
    clock = PartClock()
    evidence = _measure(encoder, store, seed, supervised, clock)
    findings = find(evidence)
    return Health(
        **dict(evidence),
        verdict=verdict_of(findings),
        findings=findings,
        seconds=clock.seconds,
        seed=seed,
        rollouts=str(store.folder),
        command=command,
    )


def _measure(
    encoder: Encoder, store: RolloutStore, seed: int, supervised: bool, clock: PartClock
) -> Evidence:
    """Return all that is known of the encoder; the clock is told how long each part takes."""
    with clock.part("reading"):
        subject = Subject.open(encoder, store)
    with clock.part("encoding"):
        samples = draw_samples(subject, seed, PROBED_FRAMES)
    with clock.part("reconstruction"):
        train, held_out = _reconstructions(subject, seed)
        errors = measure_reconstruction(train, held_out)
        overfitting = measure_overfitting(train, held_out, numpy_stream(seed, "overfitting"))
    with clock.part("neighbours"):
        whitened = encoder.whiten(train.codes), encoder.whiten(held_out.codes)
        neighbours = measure_neighbours(train, held_out, whitened)
    state_evidence = _state_evidence(subject, samples, seed, supervised, clock)
    config = subject.model.config
    return Evidence(
        env_id=store.env.id,
        pretrained_on=_other_frames(encoder, store),
        trained=encoder.card.trained,
        objective=config.objective,
        pixels=config.pixels,
        network=config.network,
        frames={name: len(split) for name, split in subject.splits._asdict().items()},
        reconstruction=errors,
        code=measure_code(samples.train.codes, held_out.kl, not config.objective.is_variational),
        overfitting=overfitting,
        neighbours=neighbours,
        **state_evidence,
    )


def _other_frames(encoder: Encoder, store: RolloutStore) -> str | None:
    """Return what frames `encoder` was pretrained on if it was made for another task."""
    made_for, folder = encoder.card.env_id, encoder.folder
    if made_for != store.env.id:
        return f"frames of {made_for}"
    is_taken = folder and PRETRAINING.exists(folder) and PRETRAINING.read(folder).taken_from
    return f"other frames of {made_for}" if is_taken else None


def write_health(health: Health, folder: Path) -> None:
    """Write `health.html` and then `health.json` into `folder`.

    A folder with `health.json` counts as checked.
    """
    write_page(health, folder)
    HEALTH.write(folder, health)


def _reconstructions(subject: Subject, seed: int) -> tuple[Reconstructions, Reconstructions]:
    """Return the reconstructions of training frames, and those of test frames."""
    generator = torch.Generator().manual_seed(derive(seed, "diagnose", "codes"))
    train, held_out = (
        reconstruct(subject, split, RECONSTRUCTED_FRAMES, generator)
        for split in (subject.splits.train, subject.splits.test)
    )
    return train, held_out


def _state_evidence(
    subject: Subject, samples: Splits[Sample], seed: int, supervised: bool, clock: PartClock
) -> dict[str, Any]:
    """Return the fields of `Evidence` that say how well latents represent the true state."""
    variables = subject.store.state_variables
    if not has_state(samples):
        missing = why_no_state(subject.store.env.id)
        reasons = {"no_probes": missing, "no_disentanglement": missing}
        return {"probes": None, "disentanglement": None, **reasons}
    with clock.part("supervised"):
        ceiling = supervised_codes(subject, seed, PROBED_FRAMES) if supervised else None
    with clock.part("probes"):
        probes = probe_state(samples, variables, subject.encoder, ceiling, seed)
    with clock.part("disentanglement"):
        scores, reason = score_disentanglement(samples, variables, seed)
    return {
        "probes": probes,
        "no_probes": None if probes else why_not_probed(samples),
        "disentanglement": scores,
        "no_disentanglement": reason,
    }
