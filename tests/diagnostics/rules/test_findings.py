"""Each rule fires on what it is for, and on nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.diagnostics.synthetic import around, code, errors, evidence, probes
from worldvae.autoencoders.config import NetworkConfig, PretrainConfig
from worldvae.autoencoders.objectives import (
    AE,
    DAE,
    DIPVAE,
    VAE,
    BetaTCVAE,
    BetaVAE,
    CapacityVAE,
    Objective,
)
from worldvae.autoencoders.pixel_error import (
    BernoulliPixels,
    GaussianPixels,
    NoPixels,
    PixelError,
)
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.metrics.neighbours import Closeness, Neighbours
from worldvae.diagnostics.metrics.reconstruction import (
    DuplicatePair,
    Overfitting,
    Places,
    Reconstruction,
    Region,
)
from worldvae.diagnostics.metrics.things import Things
from worldvae.diagnostics.rules.code import is_lost
from worldvae.diagnostics.rules.evidence import Evidence
from worldvae.diagnostics.rules.findings import find, verdict_of

POOR = Closeness(latents=0.2, pixels=1.0)
STRANGE = Neighbours(queries=9, candidates=9, pixels=POOR, moving=POOR, state=None)
COPIES = (DuplicatePair(first=0, second=1, correlation=-0.99),)
DARK = Places(lost=((0.1, None, 0.9, 0.8), (None, 1.0, 0.7, 0.2)))
BERRY = Things(per_frame=1.23, lost=0.71)
MEMORISED = {
    "overfitting": Overfitting(ratio=3.0, low=2.0, high=4.0),
    "reconstruction": Reconstruction(train=errors(0.05), held_out=errors(0.15)),
}


def both(**given: Any) -> Reconstruction:
    return Reconstruction(train=errors(**given), held_out=errors(**given))


def names(found: Evidence) -> list[str]:
    return [finding.name for finding in find(found)]


def test_a_sound_encoder_has_no_findings() -> None:
    assert find(evidence()) == ()
    assert verdict_of(()) == "healthy"


@pytest.mark.parametrize(
    ("given", "name", "verdict"),
    [
        ({"trained": False}, "untrained", "unfit"),
        ({"code": code(active=0)}, "collapsed", "unfit"),
        ({"reconstruction": both(lost=0.95, moving=0.99)}, "blind", "unfit"),
        ({"reconstruction": both(moving=0.6)}, "moving_lost", "doubtful"),
        ({"reconstruction": both(places=DARK)}, "places_lost", "doubtful"),
        ({"reconstruction": both(still_things=BERRY)}, "still_things_lost", "doubtful"),
        (
            {"reconstruction": both(static=Region(share=0.9, mse=0.01, lost=0.7))},
            "static_lost",
            "doubtful",
        ),
        (MEMORISED, "overfitted", "doubtful"),
        (
            {**MEMORISED, "overfitting": Overfitting(ratio=3.1, low=None, high=None)},
            "overfitted",
            "doubtful",
        ),
        ({"neighbours": STRANGE}, "strangers", "doubtful"),
        ({"probes": probes(ball=0.1, paddle=0.5)}, "variables_lost", "doubtful"),
        ({"probes": probes(ball=0.2)}, "below_untrained", "doubtful"),
        ({"code": code(duplicates=COPIES)}, "duplicates", "healthy"),
        ({"code": code(active=2)}, "idle_latents", "healthy"),
        (
            {"probes": probes(ball=0.1).model_copy(update={"gained": None, "kept": {}})},
            "few_probed",
            "healthy",
        ),
        ({"no_probes": "there is no reader"}, "no_state", "healthy"),
        ({"reconstruction": both(moving=None)}, "still", "healthy"),
        ({"reconstruction": both(lost=None, moving=None)}, "still", "doubtful"),
        ({"overfitting": Overfitting(ratio=1.1, low=None, high=None)}, "few_episodes", "healthy"),
    ],
)
def test_each_illness_has_its_rule(given: dict[str, Any], name: str, verdict: str) -> None:
    found = evidence(**given)
    assert name in names(found)
    assert verdict_of(find(found)) == verdict


@pytest.mark.parametrize(
    "given",
    [
        # A small share of visible error: still pixels hardly differ from the mean.
        {"reconstruction": both(static=Region(share=0.9, mse=1e-5, lost=3.0))},
        # A large ratio of two errors that nobody sees.
        {**MEMORISED, "reconstruction": Reconstruction(train=errors(0.01), held_out=errors(0.03))},
        # An interval that reaches down to a small ratio.
        {**MEMORISED, "overfitting": Overfitting(ratio=2.0, low=1.1, high=4.0)},
        # Nearest frames that differ in pixels but share what moves.
        {"neighbours": STRANGE.model_copy(update={"moving": Closeness(latents=0.9, pixels=1.0)})},
        # Without a pixel term the decoder need not draw anything.
        {
            "pixels": NoPixels(),
            "reconstruction": both(lost=1.5, moving=1.5),
        },
        {"probes": probes(ball=0.6, paddle=0.8)},
        # Intervals over episodes that reach what is no loss.
        {"probes": probes(ball=0.1, paddle=0.5, width=0.2)},
        {"probes": probes(ball=0.24, width=0.06)},
        {"reconstruction": both(still_things=Things(per_frame=9, lost=0.4))},
        {"code": code(active=6)},
    ],
)
def test_no_false_alarm(given: dict[str, Any]) -> None:
    assert names(evidence(**given)) == []


def test_what_is_fatal_hides_its_consequences_but_not_the_notes() -> None:
    found = evidence(
        trained=False, code=code(active=0), neighbours=STRANGE, no_probes="there is no reader"
    )
    assert names(found) == ["untrained", "no_state"]


def test_a_decoder_that_lags_behind_a_telling_code_is_no_verdict_on_the_code() -> None:
    lost = both(lost=1.1, moving=1.1)
    assert verdict_of(find(evidence(reconstruction=lost, probes=probes(dot=0.8)))) == "doubtful"
    assert verdict_of(find(evidence(reconstruction=lost, probes=probes(dot=0.4)))) == "unfit"


def test_what_an_encoder_of_other_frames_lacks_no_setting_of_its_own_mends() -> None:
    given = {"reconstruction": both(lost=1.1, moving=1.1), "code": code(duplicates=COPIES)}
    other = {"pretrained_on": "frames of Rooms-v0"}
    (own,), (borrowed,) = find(evidence(**given)), find(evidence(**given, **other))
    assert "pretrain.steps" in own.advice
    assert borrowed.advice.startswith("It was pretrained on frames of Rooms-v0. Pretrain one on ")
    assert (borrowed.name, borrowed.found) == (own.name, own.found)
    harmless = {"code": code(duplicates=COPIES)}
    assert find(evidence(**harmless, **other)) == find(evidence(**harmless))
    assert find(evidence(trained=False, **other)) == find(evidence(trained=False))


def test_places_are_counted_in_words() -> None:
    finding = only(evidence(reconstruction=both(places=DARK)))
    assert finding.found == (
        "In 4 of the 6 places of the frame where something moves it is lost, so something small "
        "is; of all that moves 10 % is lost."
    )
    assert "raise pretrain.latents (now 8)" in finding.advice


@pytest.mark.parametrize(
    "places",
    [
        Places(lost=((0.9, 0.9, 0.9),)),  # a corner of the frame, such as a number
        Places(lost=((0.9,) * 4 + (0.1,) * 13,)),
    ],
)
def test_few_lost_places_are_let_pass(places: Places) -> None:
    assert find(evidence(reconstruction=both(places=places))) == ()


def test_where_all_that_moves_is_lost_its_places_are_not_counted() -> None:
    assert names(evidence(reconstruction=both(moving=0.6, places=DARK))) == ["moving_lost"]


def test_lost_things_are_counted_in_words() -> None:
    finding = only(evidence(reconstruction=both(still_things=BERRY)))
    assert finding.found == (
        "71 % of the things that stand still and differ clearly from the mean image are lost, so "
        "small ones are (1.2 things a frame)."
    )
    assert finding.advice.startswith("Raise pretrain.steps; or set pretrain.code: grid with more ")


def test_who_has_a_grid_is_not_told_to_set_one() -> None:
    network = NetworkConfig(code="grid", latents=72)
    finding = only(evidence(reconstruction=both(still_things=BERRY), network=network))
    assert "raise pretrain.latents (now 72), of which each place has its own" in finding.advice
    assert "code: grid" not in finding.advice


def test_where_all_that_stands_still_is_lost_its_things_are_not_counted() -> None:
    lost = Region(share=0.9, mse=0.01, lost=0.7)
    found = evidence(reconstruction=both(static=lost, still_things=BERRY))
    assert names(found) == ["static_lost"]


def test_the_gravest_comes_first() -> None:
    found = evidence(code=code(active=2), reconstruction=both(moving=0.6))
    assert [finding.severity for finding in find(found)] == ["doubtful", "note"]


def only(found: Evidence) -> Finding:
    (finding,) = find(found)
    return finding


def test_numbers_and_advice_are_in_words() -> None:
    plain = GaussianPixels(standardise=False, sigma=1)
    finding = only(evidence(pixels=plain, reconstruction=both(moving=0.6), code=code(active=5)))
    assert finding.found == (
        "5 of 8 latents are active and moving pixels are lost: 60 % of their deviation from the "
        "mean image on training frames (60 % on held-out ones)."
    )
    assert finding.advice == (
        "Lower pretrain.objective.beta (now 1), or set pretrain.pixels.sigma: learned, which "
        "weighs picture against code itself; or raise pretrain.pixels.motion_weight (now 0), or "
        "set pretrain.pixels.standardise: true."
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"objective": CapacityVAE(capacity=5)}, "raise pretrain.objective.capacity (now 5)"),
        ({"objective": VAE()}, "set pretrain.objective: {name: beta_vae, beta: 0.5}"),
        ({"objective": AE()}, "raise pretrain.steps"),
        ({"objective": BetaVAE(beta=0)}, "raise pretrain.steps"),
        (
            {"pixels": GaussianPixels(predict=3)},
            "lower pretrain.pixels.predict (now 3), or set pretrain.pixels.actions: true",
        ),
        (
            {"pixels": GaussianPixels(motion_weight=4)},
            "raise pretrain.pixels.motion_weight (now 4).",
        ),
    ],
)
def test_advice_fits_the_objective(values: dict[str, Any], expected: str) -> None:
    found = evidence(
        reconstruction=both(moving=0.6),
        code=code(active=7),
        **values,
    )
    assert expected.lower() in only(found).advice.lower()


LOST = (
    {"code": code(active=5), "reconstruction": both(moving=0.6)},
    {"code": code(active=0)},
    {"reconstruction": both(lost=0.95, moving=0.99)},
    {"reconstruction": both(places=DARK)},
    {"reconstruction": both(still_things=BERRY)},
    {"reconstruction": both(moving=0.6)},
)
OBJECTIVES = (AE(), DAE(), VAE(), BetaVAE(), CapacityVAE(), BetaTCVAE(), DIPVAE())
PIXELS = (
    GaussianPixels(),
    GaussianPixels(standardise=False, sigma=1),
    BernoulliPixels(),
    NoPixels(),
)
CHANGE = re.compile(
    r"(raise|lower|set) pretrain\.([\w.]+)(?:: (\{[^}]*\}|\w+)| \(now ([\d.]+))", re.I
)


def changed(config: dict[str, Any], change: re.Match[str]) -> dict[str, Any]:
    """The configuration after one of the changes that are advised."""
    verb, key, value, now = change.groups()
    if now is not None:
        twice = 2 * float(now) + (float(now) == 0)
        wanted: Any = twice if verb.lower() == "raise" else float(now) / 2
        wanted = int(wanted) if float(now).is_integer() and wanted == int(wanted) else wanted
    else:
        wanted = yaml.safe_load(value)
    *sections, last = key.split(".")
    section = config
    for name in sections:
        section = section[name]
    section[last] = wanted
    return config


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
@pytest.mark.parametrize("pixels", PIXELS, ids=lambda one: one.likelihood)
def test_what_is_advised_the_configuration_accepts(
    objective: Objective, pixels: PixelError
) -> None:
    advised = 0
    for given in LOST:
        found = find(evidence(objective=objective, pixels=pixels, **given))
        for change in CHANGE.finditer(" ".join(finding.advice for finding in found)):
            config = {
                "objective": objective.model_dump(),
                "pixels": {"likelihood": pixels.likelihood, **pixels.model_dump()},
                "latents": 8,
            }
            if change[2] == "pixels.likelihood":  # what another likelihood has not goes with it
                config["pixels"] = {}
            PretrainConfig.model_validate(changed(config, change))
            advised += 1
    assert advised


@pytest.mark.parametrize(
    ("still", "pixels", "weight", "unit"),
    [
        (0.05, GaussianPixels(), True, False),
        (0.36, GaussianPixels(), False, False),
        (0.36, GaussianPixels(standardise=False, sigma=1), False, True),
    ],
)
def test_no_weight_on_motion_is_advised_for_what_stands_still(
    still: float, pixels: GaussianPixels, weight: bool, unit: bool
) -> None:
    """Of moving pixels a fifth is lost: more than of the others, or less."""
    errors = both(moving=0.2, static=Region(share=0.9, mse=0.001, lost=still))
    found = evidence(reconstruction=errors, pixels=pixels, probes=probes(berry=0.1, robot=0.6))
    (finding,) = find(found)
    assert finding.name == "variables_lost"
    assert ("motion_weight" in finding.advice) == weight
    assert ("standardise: true" in finding.advice) == unit


def test_where_every_latent_is_in_use_more_of_them_are_advised() -> None:
    finding = only(evidence(reconstruction=both(moving=0.6)))
    assert "raise pretrain.latents (now 8)" in finding.advice


@pytest.mark.parametrize(
    ("pixels", "high", "expected"),
    [(0.9, 0.29, True), (0.9, 0.3, False), (0.2, 0.0, False), (0.21, 0.0, True)],
)
def test_only_what_a_small_picture_shows_can_be_lost(
    pixels: float, high: float, expected: bool
) -> None:
    kept = around(high - 0.1, width=0.1)
    assert is_lost({"latents": 0.0, "pixels": pixels, "majority": 0.0}, kept) == expected
