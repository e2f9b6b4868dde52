"""Tells by hash or version whether an environment's code was changed between two results."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec as find_module
from pathlib import Path

from worldvae.envs.config import EnvConfig
from worldvae.envs.make_raw import find_spec
from worldvae.envs.user_code import OURS, PACKAGES
from worldvae.versions import PACKAGES as LIBRARIES

DIGITS = 12


def own_code(config: EnvConfig) -> dict[str, str]:
    """Return a hash of the code of the environment of `config`, by "code of PACKAGE".

    It is that of all Python files of the package, or of the single file, that registers the
    environment or holds its class, as they were when they were first asked for. Of an installed
    package it is the release, by "version of NAME", unless `library_versions` tells it. Raises
    ConfigError as `find_spec` does.
    """
    entry = find_spec(config).entry_point
    module = entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "")
    packages = {name.partition(".")[0] for name in (config.import_, module) if name}
    hashes = {f"code of {name}": _hash(name) for name in sorted(packages)}
    own = {name: digest for name, digest in hashes.items() if digest}
    releases = {release for name in packages for release in _releases().get(name, ())}
    return own | {f"version of {name}": version(name) for name in sorted(releases - {*LIBRARIES})}


@cache
def _releases() -> Mapping[str, list[str]]:
    """Return the names by which each package was installed."""
    return packages_distributions()


@cache  # later changes of the files do not change the code that runs
def _hash(package: str) -> str:
    """Return the first digits of the SHA-256 of a package's code; "" if none is to be hashed."""
    try:
        found = find_module(package)
    except ValueError:  # a module that runs as a script has no spec
        found = None
    digest, is_empty = hashlib.sha256(), True
    for path in () if found is None else sorted(_files(found)):
        digest.update(path.read_bytes() + b"\0")
        is_empty = False
    return "" if is_empty else digest.hexdigest()[:DIGITS]


def _files(found: ModuleSpec) -> Iterator[Path]:
    """Yield the code of a module outside of installed packages and of worldvae."""
    if found.submodule_search_locations is None:
        places = [Path(found.origin)] if found.has_location and found.origin else []
        yield from (path for path in places if _is_own(path))
        return
    for place in map(Path, found.submodule_search_locations):
        for folder, inner, names in os.walk(place):
            inner[:] = [name for name in inner if name[0] != "." and name not in PACKAGES]
            paths = (Path(folder, name) for name in names if name.endswith(".py"))
            yield from (path for path in paths if _is_own(path))


def _is_own(path: Path) -> bool:
    resolved = path.resolve()
    return not (resolved.is_relative_to(OURS) or set(PACKAGES) & set(resolved.parts))
