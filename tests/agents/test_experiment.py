"""A folder is refused for other settings, not for fields that came after it was made."""

from pathlib import Path

import pytest
import yaml

from agents.experiment import Experiment, check_settings, record_settings
from worldvae.config import UserError

SECTIONS = ("rollouts", "pretrain")
MADE = Experiment.model_validate({"rollouts": {"policies": {"random": 1.0}}})


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Settings of a time before `first_stride`."""
    path = tmp_path / "settings.yaml"
    record_settings(path, MADE, SECTIONS)
    values = yaml.safe_load(path.read_text())
    del values["pretrain"]["first_stride"]
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_younger_field_at_its_default_changes_nothing(older: Path) -> None:
    check_settings(older, MADE, SECTIONS)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("pretrain", {"first_stride": 4}, "pretrain.first_stride = 2, now it is 4"),
        ("pretrain", {"latents": 8}, "pretrain.latents = 32, now it is 8"),
        ("rollouts", {"policies": {"random": 1.0, "smooth": 1.0}}, "smooth = None, now it is 1.0"),
    ],
)
def test_other_settings_are_refused(
    older: Path, section: str, values: dict[str, object], message: str
) -> None:
    changed = {**MADE.model_dump(by_alias=True), section: values}
    if section == "pretrain":
        changed["rollouts"] = MADE.rollouts.model_dump(by_alias=True)
    with pytest.raises(UserError, match=message):
        check_settings(older, Experiment.model_validate(changed), SECTIONS)
