"""The wheel holds the library alone: a top-level `agents` would overwrite other distributions'."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_worldvae_alone(wheel: Path) -> None:
    names = [str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"worldvae"}
    assert {"worldvae/wrappers/latent.py", "worldvae/page.html", "worldvae/page.css"} <= set(names)
    assert not [name for name in names if "tests" in name]


def test_torch_is_pinned_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert "torch==2.13.0" in lines
    assert all("==" in line for line in lines if line and not line.startswith("#"))
