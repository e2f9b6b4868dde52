"""Rank policies in reality and in the dream, before an agent trains in it:
python -m scripts.gap CONFIG"""

from __future__ import annotations

from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    from agents.gap.examine import examine_gap
    from agents.gap.wording import headline

    report, page = examine_gap(experiment)
    print("\n".join(filter(None, [headline(report), report.summary(), f"page: {page}"])))


if __name__ == "__main__":
    run(main)
