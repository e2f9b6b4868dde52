"""What a sweep says of its recommendation."""

from pathlib import Path

from agents.sweep.choice import recommend
from agents.sweep.write import describe_sweep
from tests.agents.sweep.synthetic import point


def test_it_says_which_episodes_chose_the_code() -> None:
    told = describe_sweep(Path("runs/x/sweep"), recommend([point(0.5)]))
    assert "chosen by the test episodes of the rollouts" in told
    assert "encoder: runs/x/sweep/latents_8_beta_0.5" in told


def test_where_nothing_is_chosen_it_says_nothing_of_the_kind() -> None:
    assert "chosen by" not in describe_sweep(Path("x"), recommend([point(0.5, active=0)]))
