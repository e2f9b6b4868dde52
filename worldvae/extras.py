"""Packages that only some installations have: which extra brings one, and what if it is broken."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from worldvae.errors import ConfigError

EXTRAS = {
    "envpool": "fast",
    "h5py": "minari",
    "huggingface_hub": "hub",
    "minari": "minari",
    "minigrid": "minigrid",
    "onnx": "fast",
    "onnxruntime": "fast",
    "optuna": "sweep",
    "ray": "ray",
    "sb3_contrib": "contrib",
    "vizdoom": "vizdoom",
}
"""Package -> the extra of worldvae that installs it."""


def is_installed(package: str) -> bool:
    """Return whether `package` is installed; it is not imported, so it may be broken."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # raised for a module without a spec
        return False


def not_installed(*packages: str) -> str | None:
    """Say which of `packages` are not installed and what installs them; None if all are."""
    missing = [name for name in packages if not is_installed(name)]
    if not missing:
        return None
    extras = ",".join(dict.fromkeys(EXTRAS[name] for name in missing))
    verb = "is" if len(missing) == 1 else "are"
    return f"{' and '.join(missing)} {verb} not installed: pip install 'worldvae[{extras}]'"


def check_extra(what: str, *packages: str) -> None:
    """Raise ConfigError unless `packages`, which `what` needs, are installed."""
    if told := not_installed(*packages):
        raise ConfigError(f"{what} needs {' and '.join(packages)}: {told}")


@contextmanager
def importing(what: str, *packages: str) -> Iterator[None]:
    """Raise ConfigError if `packages` are not installed, or if the block cannot import them.

    What is installed and cannot be imported, as with a library of the system missing, is not
    called missing itself.
    """
    check_extra(what, *packages)
    try:
        yield
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"{what} needs {' and '.join(packages)}: installed, but it cannot be imported "
            f"({reason}); mend that, or install it again: pip install --force-reinstall "
            f"{' '.join(packages)}"
        ) from error


def import_extra(what: str, module: str) -> ModuleType:
    """Return a module of a package in `EXTRAS`, which `what` needs; raises as `importing` does."""
    with importing(what, module.partition(".")[0]):
        return importlib.import_module(module)
