"""Imports go scripts -> agents -> worldvae, and inside it from later groups to earlier ones."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUPS = (
    {
        "config",
        "seeding",
        "generators",
        "files",
        "versions",
        "stats",
        "plots",
        "comparison_plots",
        "encoder_plots",
        "drift_plots",
        "html",
        "pictures",
        "history",
        "fields",
        "png",
        "progress",
        "seal",
        "yaml_values",
    },
    {"envs", "rollouts"},
    {"autoencoders"},
    {"training", "pretraining", "latent", "sb3"},
    {"diagnostics"},
)
SB3_ALLOWED = {"worldvae/wrappers/sb3.py"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def group(module: str) -> int:
    name = module.split(".")[1]
    return next(number for number, group in enumerate(GROUPS) if name in group)


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("worldvae", {"agents", "scripts", "tests"}), ("agents", {"scripts", "tests"})],
)
def test_packages_never_import_upwards(package: str, forbidden: set[str]) -> None:
    for path in modules(package):
        found = {name.split(".")[0] for name in imports(path)} & forbidden
        assert not found, f"{path} imports {found}"


def test_every_module_belongs_to_a_group_and_imports_only_from_it_or_before() -> None:
    for path in modules("worldvae"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) == 2:
            continue
        own = group(".".join(parts))
        for name in imports(path):
            if name.startswith("worldvae."):
                assert group(name) <= own, f"{path} imports {name}"


def test_stable_baselines_stays_behind_one_door() -> None:
    for path in modules("worldvae"):
        if str(path.relative_to(ROOT)) not in SB3_ALLOWED:
            assert not [name for name in imports(path) if name.startswith("stable_baselines3")]


def test_scripts_are_thin() -> None:
    for path in modules("scripts"):
        assert len(path.read_text().splitlines()) <= 60, path
