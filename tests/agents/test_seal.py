"""A sealed file shows that it was edited, and only then."""

import json

from agents.seal import is_broken, sealed

VALUES = {"returns": [1.5, -0.25, 1e-17], "arm": "latent", "none": None}


def test_a_seal_survives_json_and_its_order() -> None:
    read = json.loads(json.dumps(sealed(VALUES), indent=1))
    assert not is_broken(read)
    assert not is_broken(dict(reversed(read.items())))


def test_an_edited_figure_breaks_it() -> None:
    read = json.loads(json.dumps(sealed(VALUES)))
    assert is_broken({**read, "returns": [1.5, 0.25, 1e-17]})
    assert is_broken({**read, "seed": 0})
    assert is_broken({key: value for key, value in read.items() if key != "none"})


def test_without_a_seal_nobody_can_tell() -> None:
    assert not is_broken(VALUES)
