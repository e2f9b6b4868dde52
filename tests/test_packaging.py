"""The wheel holds the library alone: a top-level `agents` would overwrite other distributions'."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_worldvae_alone(wheel: Path) -> None:
    names = [str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"worldvae"}
    assert {"worldvae/wrappers/latent.py", "worldvae/page.html", "worldvae/page.css"} <= set(names)
    assert "worldvae/py.typed" in names  # without it no type checker reads the annotations
    assert not [name for name in names if "tests" in name]


def test_where_it_cannot_run_it_says_so_at_once() -> None:
    code = "import sys; sys.platform = 'win32'; import worldvae"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert "ImportError: worldvae needs the locks and signals of" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("libGL.so.1: cannot open shared object file: No such file", "apt-get install libgl1"),
        ("numpy.core.multiarray failed to import", None),
    ],
)
def test_debians_libraries_are_named_only_where_one_of_them_is_missing(
    tmp_path: Path, reason: str, hint: str | None
) -> None:
    (tmp_path / "cv2.py").write_text(f"raise ImportError({reason!r})")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import worldvae.envs.frames"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    told = run.stderr.splitlines()[-1]
    assert run.returncode == 1
    assert reason in told
    assert hint in told if hint else "apt-get" not in told


def test_torch_is_pinned_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert "torch==2.13.0" in lines
    assert all("==" in line for line in lines if line and not line.startswith("#"))


def test_running_installs_neither_ray_nor_the_developers_tools() -> None:
    """`make run` and `make test` share one environment; each installs what it needs."""
    needs = {
        target: re.findall(
            r'--editable "\.\[(.*?)\]"',
            subprocess.run(
                ["make", "--dry-run", "--always-make", target],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
        )
        for target in ("run", "test")
    }
    assert needs == {"run": ["fast"], "test": ["fast,ray,dev"]}


def test_what_the_library_depends_on_is_imported_by_it_or_by_the_laboratory() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {re.split(r"[\[>=]", line)[0] for line in project["dependencies"]}
    renamed = {"opencv-python": "cv2", "pyyaml": "yaml", "scikit-learn": "sklearn"}
    modules = [path for folder in ("worldvae", "agents") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text() for path in modules)
    for name in named:
        module = renamed.get(name, name.replace("-", "_"))
        assert re.search(rf"^\s*(import|from) [\w.]*\b{module}\b", code, re.MULTILINE), name
