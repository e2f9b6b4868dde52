"""Imports go scripts -> agents -> worldvae, inside it from higher floors to lower ones, and never
in a circle."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("worldvae", "agents", "scripts")
# Of each floor of worldvae the modules and folders, none of which imports another one of it.
FLOORS = (
    {
        "errors",
        "fields",
        "machine",
        "progress",
        "seeding",
        "stats",
        "torch_seeding",
        "versions",
        "yaml_values",
    },
    {"config", "files", "indices"},
    {"checksum", "plots"},
    {"envs", "fingerprint", "html"},
    {"rollouts"},
    {"training"},
    {"autoencoders"},
    {"wrappers"},
    {"diagnostics"},
)
SB3_ALLOWED = {"worldvae/wrappers/sb3.py"}


@cache
def modules(*packages: str) -> dict[str, Path]:
    """Dotted name -> file; a package is its `__init__`."""
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return {dotted(path.relative_to(ROOT)): path for path in files}


def dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file's syntax tree that is an import or a class."""
    wanted = ast.Import | ast.ImportFrom | ast.ClassDef
    return tuple(node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, wanted))


def imports(path: Path) -> Iterator[str]:
    """What a file imports, wherever in it: names of ours as modules, those of others as written."""
    ours = modules(*PACKAGES)
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in ours else str(node.module) for name in names)


def loaded(module: str, path: Path) -> set[str]:
    """The modules of ours that have to be there first, the packages of others around them too."""
    found = set()
    for name in imports(path):
        parts = name.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    around = {package for package in found if f"{module}.".startswith(f"{package}.")}
    return (found - around) & set(modules(*PACKAGES))


def floor(module: str) -> int:
    name = module.split(".")[1]
    return next(number for number, floor in enumerate(FLOORS) if name in floor)


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("worldvae", {"agents", "scripts", "tests"}), ("agents", {"scripts", "tests"})],
)
def test_packages_never_import_upwards(package: str, forbidden: set[str]) -> None:
    for path in modules(package).values():
        found = {name.split(".")[0] for name in imports(path)} & forbidden
        assert not found, f"{path} imports {found}"


def test_every_part_of_worldvae_has_one_floor_and_imports_only_from_lower_ones() -> None:
    for module, path in modules("worldvae").items():
        if module == "worldvae":
            continue
        for name in imports(path):
            is_other = name.startswith("worldvae.") and name.split(".")[1] != module.split(".")[1]
            assert not is_other or floor(name) < floor(module), f"{module} imports {name}"


def test_floors_name_what_there_is_once() -> None:
    named = sorted(name for floor in FLOORS for name in floor)
    assert named == sorted({name.split(".")[1] for name in modules("worldvae") if "." in name})


@pytest.mark.xfail(strict=True, reason="agents.jobs: executor and ray_cluster")
def test_no_imports_go_in_a_circle() -> None:
    """Not even those inside functions, which only put the circle off."""
    graph = {module: loaded(module, path) for module, path in modules(*PACKAGES).items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_import_is_for_types_alone() -> None:
    for module, path in modules(*PACKAGES).items():
        assert "TYPE_CHECKING" not in path.read_text(), module


def test_no_class_bears_the_name_of_one_in_worldvae() -> None:
    homes = defaultdict(list)
    for module, path in modules("worldvae", "agents").items():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    for name, where in homes.items():
        assert len(where) == 1 or where[0].startswith("agents."), f"{name}: {where}"


def test_stable_baselines_stays_behind_one_door() -> None:
    for path in modules("worldvae").values():
        if str(path.relative_to(ROOT)) not in SB3_ALLOWED:
            assert not [name for name in imports(path) if name.startswith("stable_baselines3")]


def test_scripts_are_thin() -> None:
    for path in modules("scripts").values():
        assert len(path.read_text().splitlines()) <= 60, path
