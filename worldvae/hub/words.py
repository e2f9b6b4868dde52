"""What went wrong with the Hugging Face hub, in one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worldvae.errors import ArtifactError
from worldvae.extras import import_extra

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
UNREACHABLE = (
    "the hub cannot be reached, and it is not in the cache; check the connection and HF_ENDPOINT"
)
MISSING = "a file that the repository lists is missing there; push the folder again"


def check_hub_extra() -> None:
    """Raise ConfigError unless the package that speaks to the hub can be imported."""
    import_extra("the hub", "huggingface_hub")


@contextmanager
def hub_errors(address: object, missing: str = MISSING) -> Iterator[None]:
    """Turn an error of huggingface_hub or of the network into an ArtifactError on `address`.

    `missing` says what it means that the repository lacks a file.
    """
    from huggingface_hub.errors import HTTPError, RemoteEntryNotFoundError

    # HTTPError of its HTTP library is also that of a connection that broke. Its own errors are
    # OSErrors and ValueErrors.
    try:
        yield
    except RemoteEntryNotFoundError:
        raise ArtifactError(f"{address}: {missing}") from None
    except (HTTPError, OSError, ValueError) as error:
        raise ArtifactError(f"{address}: {_words(error)}") from None


def _words(error: Exception) -> str:
    from huggingface_hub import errors

    known = {  # an error before those that it is one of
        errors.GatedRepoError: f"its owner has to grant access; ask on its page, then {LOG_IN}",
        errors.RepositoryNotFoundError: "no such repository, or not yours to see; check the name, "
        f"or {LOG_IN}",
        errors.RevisionNotFoundError: "no such revision; name a branch, a tag or a commit",
        errors.LocalEntryNotFoundError: UNREACHABLE,
        errors.OfflineModeIsEnabled: UNREACHABLE,
    }
    for kind, words in known.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, errors.HfHubHTTPError):
        return _of_status(error)
    if isinstance(error, errors.HTTPError):
        return f"the connection to the hub broke ({_first_line(error)}); try again"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the cache'}: {error.strerror}"
    return _first_line(error)


def _of_status(error: Any) -> str:
    status = error.response.status_code
    if status in {401, 403}:
        return f"the hub refuses this ({status}); {LOG_IN} with a token that may write"
    return f"the hub answers {status}; {_first_line(error.server_message or error)}"


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".") or type(error).__name__
