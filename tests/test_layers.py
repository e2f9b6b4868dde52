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
        "markdown",
        "progress",
        "seeding",
        "stats",
        "symlog",
        "torch_seeding",
        "versions",
        "wording",
        "yaml_values",
    },
    {"extras", "mistakes"},
    {"files", "indices", "keys"},
    {"checksum", "jsonl", "locks"},
    {"folders", "json_files"},
    {"config"},
    {"plots"},
    {"envs", "fingerprint", "html"},
    {"hub", "rollouts"},
    {"training"},
    {"autoencoders"},
    {"dynamics"},
    {"wrappers"},
    {"diagnostics"},
    {"export"},
)
# The same of agents: the registry of arms lies below what reads it, beside no other module.
AGENT_FLOORS = (
    {"arms.registry"},
    {"config"},
    {"arms", "run"},
    {"jobs", "policy"},
    {"drift", "prepare", "video"},
    {"dream", "export"},
    {"agent_task"},
    {"report", "rescore", "train"},
    {"benchmark", "compare", "explore", "fidelity", "gap", "study", "sweep"},
    {"hub"},
)
SB3_ALLOWED = "worldvae.wrappers.sb3"


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


def part(module: str) -> str:
    """The folder or module of a package in which a module lies, as the floors name it."""
    return "arms.registry" if module == "agents.arms.registry" else module.split(".")[1]


def floor(module: str, floors: tuple[set[str], ...]) -> int:
    return next(number for number, floor in enumerate(floors) if part(module) in floor)


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("worldvae", {"agents", "scripts", "tests"}), ("agents", {"scripts", "tests"})],
)
def test_packages_never_import_upwards(package: str, forbidden: set[str]) -> None:
    for path in modules(package).values():
        found = {name.split(".")[0] for name in imports(path)} & forbidden
        assert not found, f"{path} imports {found}"


@pytest.mark.parametrize(("package", "floors"), [("worldvae", FLOORS), ("agents", AGENT_FLOORS)])
def test_every_part_imports_only_from_lower_floors(
    package: str, floors: tuple[set[str], ...]
) -> None:
    for module, path in modules(package).items():
        for name in imports(path) if module != package else ():
            is_other = name.startswith(f"{package}.") and part(name) != part(module)
            assert not is_other or floor(name, floors) < floor(module, floors), (
                f"{module} imports {name}"
            )


@pytest.mark.parametrize(("package", "floors"), [("worldvae", FLOORS), ("agents", AGENT_FLOORS)])
def test_floors_name_what_there_is_once(package: str, floors: tuple[set[str], ...]) -> None:
    named = sorted(name for floor in floors for name in floor)
    assert named == sorted({part(name) for name in modules(package) if "." in name})


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


def test_no_two_classes_bear_one_name() -> None:
    homes = defaultdict(list)
    for module, path in modules("worldvae", "agents").items():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    for name, where in homes.items():
        assert name.startswith("_") or len(where) == 1, f"{name}: {where}"


def test_stable_baselines_stays_behind_one_door() -> None:
    for module, path in modules("worldvae").items():
        if not f"{module}.".startswith(f"{SB3_ALLOWED}."):
            assert not [name for name in imports(path) if name.startswith("stable_baselines3")]


def test_scripts_are_thin() -> None:
    for path in modules("scripts").values():
        assert len(path.read_text().splitlines()) <= 60, path
