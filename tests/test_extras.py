"""Each place that needs an extra names it, and tells a broken package from a missing one."""

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.config.agent import algorithm_class
from agents.jobs.executor import make_executor
from agents.sweep.run import sweep
from tests import tiny
from worldvae.envs.config import EnvConfig
from worldvae.envs.make_raw import find_spec
from worldvae.errors import WorldvaeError
from worldvae.export.onnx_file import check_onnx
from worldvae.extras import EXTRAS
from worldvae.hub.words import check_hub_extra
from worldvae.rollouts.minari.library import check_installed as check_minari

PLACES: dict[str, Callable[[], object]] = {
    "huggingface_hub": check_hub_extra,
    "minari": check_minari,
    "minigrid": lambda: find_spec(EnvConfig(id="MiniGrid-Empty-5x5-v0")),
    "onnx": check_onnx,
    "optuna": lambda: sweep(tiny.load(Path("nowhere"))),
    "ray": lambda: make_executor("ray", 1),
    "sb3_contrib": lambda: algorithm_class("TQC"),
    "vizdoom": lambda: find_spec(EnvConfig(id="VizdoomBasic-v1")),
}


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package that was not imported yet, nor was what imports it."""
    package: str = request.param
    users = {"agents.sweep.curve", "agents.sweep.pruner", "agents.sweep.journal"}
    for name in [*sys.modules]:
        if name.partition(".")[0] == package or name in {*users, "agents.jobs.ray_cluster"}:
            monkeypatch.delitem(sys.modules, name)
    return package


@pytest.mark.parametrize("forgotten", PLACES, indirect=True)
def test_a_missing_package_is_named_with_its_extra(
    forgotten: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, forgotten, None)
    told = rf"{forgotten} is not installed: pip install 'worldvae\[{EXTRAS[forgotten]}\]'"
    with pytest.raises(WorldvaeError, match=told):
        PLACES[forgotten]()


@pytest.mark.parametrize("forgotten", PLACES, indirect=True)
def test_a_broken_package_is_not_called_missing(
    forgotten: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / forgotten).mkdir()
    broken = 'raise ImportError("libodd.so: cannot open shared object")'
    (tmp_path / forgotten / "__init__.py").write_text(broken)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WorldvaeError) as error:
        PLACES[forgotten]()
    line = str(error.value)
    assert f"needs {forgotten}: installed, but it cannot be imported (libodd.so" in line
    assert "not installed" not in line


def test_every_extra_is_one_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    for package, extra in EXTRAS.items():
        brought = [re.split(r"[\[>]", one)[0] for one in project["optional-dependencies"][extra]]
        named = package.replace("_", "-") if package == "sb3_contrib" else package
        assert named in brought or package == "h5py"  # of minari[hdf5]
