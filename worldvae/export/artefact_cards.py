"""What the model cards of encoders and dynamics say."""

from __future__ import annotations

from pathlib import Path

from worldvae.autoencoders.checkpoint import read_card
from worldvae.autoencoders.encoder_files import CONFIG, PRETRAINING, EncoderCard
from worldvae.diagnostics.fidelity.metrics.open_loop import CODE_BASELINES, DREAM
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, Fidelity, trusted_words
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG, LEARNING, DynamicsCard
from worldvae.export.model_card import CardSection, ModelCardText
from worldvae.markdown import bullets, table
from worldvae.wording import percent

NOT_EXAMINED = "Nobody has examined it ({command})."

ENCODER_CODE = """\
import numpy as np

from worldvae.autoencoders.encoder import Encoder

encoder = Encoder.load("{address}")
frames = np.zeros((1, {shape}), np.uint8)  # frames that were preprocessed as the table says
latents = encoder.encode(frames)  # (1, {latents})
pictures = encoder.decode(latents)  # (1, {picture})
print(encoder.whiten(latents).shape, pictures.shape)
"""

ENCODER_NOTES = """\
`LatentObservation(env, "{address}")` of `worldvae.wrappers.latent` makes any environment that
shows such frames an environment of latents; it preprocesses the environment's own frames, {source},
itself.
"""

DYNAMICS_CODE = """\
from worldvae.dynamics.dream import DreamVectorEnv

dreams = DreamVectorEnv.load("{address}", num_envs=4, seed=0)
observations, _ = dreams.reset(seed=0)
for _ in range(20):
    actions = dreams.action_space.sample()
    observations, rewards, terminated, truncated, _ = dreams.step(actions)
print(rewards)
"""

DYNAMICS_NOTES = """\
`LatentObservation(env, encoder, dynamics="{address}")` observes latents and this memory in
reality. It takes the encoder whose hash is {sha256}, as does decoding pictures of dreams.
"""


def encoder_text(folder: Path, address: str) -> ModelCardText:
    """Return what the card of the encoder in `folder` says, which will be found at `address`."""
    config = CONFIG.read(folder)
    card = read_card(folder, config.weights_sha256)
    network, objective = config.autoencoder.network, config.autoencoder.objective
    height, width, channels = card.frame.shape
    how = "It was pretrained on collected frames" if card.trained else "Its weights are random"
    code = ENCODER_CODE.format(
        address=address,
        shape=f"{height}, {width}, {network.stack * channels}",
        picture=f"{height}, {width}, {channels}",
        latents=network.latents,
    )
    return ModelCardText(
        title=f"An encoder of {card.env_id}",
        about=f"It turns a frame of `{card.env_id}` into {network.latents} numbers, and these back "
        f"into a frame. {how}, without any reward. An agent learns on its numbers.",
        facts={
            "frame": f"{card.frame}, of {_shape(card.source_shape)}",
            "frames in one input": f"{network.stack}",
            "latents": f"{network.latents}",
            "objective": _settings(objective.model_dump()),
            **_pretraining(folder),
            "held-out frames": ", ".join(f"{k} {v:.4g}" for k, v in card.scores.items()),
            "training data": f"`{card.data_sha256}`",
            "weights": f"`{config.weights_sha256}`",
            "made with": _versions(card.versions),
        },
        sections=(CardSection("Health", health_words(folder)),),
        code=code,
        notes=ENCODER_NOTES.format(address=address, source=_shape(card.source_shape)),
        tags=_tags(card, "vae"),
    )


def dynamics_text(folder: Path, address: str) -> ModelCardText:
    """Return what the card of the dynamics in `folder` says, which will be found at `address`."""
    card, config = read_dynamics_card(folder), DYNAMICS_CONFIG.read(folder)
    network = config.dynamics.network
    how = "They were learnt from recorded episodes" if card.trained else "Their weights are random"
    return ModelCardText(
        title=f"Latent dynamics of {card.env_id}",
        about=f"They predict the next latents, the reward and the end of an episode of "
        f"`{card.env_id}` from latents and actions: a dream that an agent can train in, and a "
        f"memory that it can observe in reality. {how}.",
        facts={
            "latents": f"{config.dynamics.latents}",
            "keys beside the frame": ", ".join(key.name for key in card.keys) or "none",
            "actions": f"{card.actions.space}",
            "network": _settings(network.model_dump()),
            "environment steps in a decision": f"{card.action_repeat}",
            **_learning(folder),
            "encoder": f"`{card.encoder_sha256}`",
            "training data": f"`{card.data_sha256}`",
            "weights": f"`{config.weights_sha256}`",
            "made with": _versions(card.versions),
        },
        sections=(CardSection("Fidelity", fidelity_words(folder)),),
        code=DYNAMICS_CODE.format(address=address),
        notes=DYNAMICS_NOTES.format(address=address, sha256=f"`{card.encoder_sha256}`"),
        tags=_tags(card, "world-model"),
    )


def health_words(folder: Path) -> str:
    """Return verdict, numbers and findings of the health check of the encoder in `folder`."""
    if not HEALTH.exists(folder):
        return NOT_EXAMINED.format(command="`python -m scripts.diagnose CONFIG` does")
    health = HEALTH.read(folder)
    return "\n\n".join(
        [
            f"**{health.verdict}**",
            table(("measure", "value"), _health_rows(health)),
            *_found(health.findings),
        ]
    )


def fidelity_words(folder: Path) -> str:
    """Return verdict, numbers and findings of the fidelity check of the dynamics in `folder`."""
    if not FIDELITY.exists(folder):
        return NOT_EXAMINED.format(command="`python -m scripts.dynamics CONFIG` does")
    fidelity = FIDELITY.read(folder)
    names = {DREAM: "dream", **CODE_BASELINES}
    header = (
        "whitened squared error after",
        *(name for key, name in names.items() if key in fidelity.codes.errors),
    )
    return "\n\n".join(
        [
            f"**{fidelity.verdict}**: {trusted_words(fidelity)}",
            table(
                header,
                _fidelity_rows(fidelity, [key for key in names if key in fidelity.codes.errors]),
            ),
            *_found(fidelity.findings),
        ]
    )


def _found(findings: tuple[Finding, ...]) -> list[str]:
    return [bullets([f"{one.severity}: {one.found}" for one in findings])] if findings else []


def _health_rows(health: Health) -> list[tuple[str, str]]:
    held_out, probes = health.reconstruction.held_out, health.probes
    rows = [
        ("held-out frames", f"{held_out.frames} of {held_out.episodes} episodes"),
        ("PSNR", f"{held_out.psnr:.1f} dB"),
        ("rate", f"{held_out.rate:.1f} nats a frame"),
        ("active latents", f"{health.code.active} of {health.code.latents}"),
    ]
    if held_out.moving and held_out.moving.lost is not None:
        rows.append(("lost of moving pixels", percent(held_out.moving.lost)))
    if probes:
        scores = ", ".join(f"{name} {score:.2f}" for name, score in probes.mean.items())
        rows.append(("linear probes of the true state", scores))
    return rows


def _fidelity_rows(fidelity: Fidelity, names: list[str]) -> list[tuple[str, ...]]:
    codes = fidelity.codes
    return [
        (
            f"{horizon} decision{'s' if horizon > 1 else ''}",
            *(f"{codes.error_at(name, horizon):.3f}" for name in names),
        )
        for horizon in codes.horizons
    ]


def _pretraining(folder: Path) -> dict[str, str]:
    if not PRETRAINING.exists(folder):
        return {}
    result = PRETRAINING.read(folder)
    return {"pretraining": f"{result.steps:,} steps, {result.seconds:,.0f} seconds"}


def _learning(folder: Path) -> dict[str, str]:
    if not LEARNING.exists(folder):
        return {}
    result = LEARNING.read(folder)
    return {"training": f"{result.steps:,} steps, {result.seconds:,.0f} seconds"}


def _settings(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _tags(card: EncoderCard | DynamicsCard, kind: str) -> tuple[str, ...]:
    return ("reinforcement-learning", kind, card.env_id)
