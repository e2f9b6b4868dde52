"""The page as a whole: quiet, alone, and readable on any screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

WIDE = """
return [...document.querySelectorAll('main *')]
  .filter(one => one.getClientRects().length && !one.closest('.strip, .players, .pad, .act, .veil'))
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.id || one.className || one.tagName);
"""

NAMELESS = """
return [...document.querySelectorAll('button, input, select, canvas.frame, [role]')]
  .filter(one => one.getClientRects().length)
  .filter(one => !(one.getAttribute('aria-label') || one.textContent.trim()
    || one.closest('label, figure')?.textContent.trim() || one.closest('[role=application]')))
  .map(one => one.outerHTML.slice(0, 80));
"""


@pytest.fixture
def sized(page: Any) -> Iterator[Any]:
    """The page at a width and in a colour scheme; as it was afterwards."""

    def at(width: int, scheme: str = "light") -> Any:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        page._command("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page._command("Emulation.setEmulatedMedia", features=features)
        page.wait("await new Promise(done => setTimeout(done, 150))")
        return page

    yield at
    at(1280)


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_sticks_out_at_the_side(sized: Any, width: int) -> None:
    page = sized(width)
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(WIDE) == []


def test_everything_that_one_can_use_has_a_name(page: Any) -> None:
    assert page.run(NAMELESS) == []


def test_it_is_dark_where_the_reader_is(sized: Any) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    assert sized(1280, "light").run(colour) != sized(1280, "dark").run(colour)


def test_charts_follow_the_readers_scheme(sized: Any) -> None:
    """A canvas keeps its colours until it is drawn anew; the cursor is the leftmost column."""
    page = sized(1280, "light")
    page.wait("worldvae.view.pause(); await worldvae.view.begin(1)")
    cursor = (
        "const canvas = document.getElementById('dream-chart');"
        "return [...canvas.getContext('2d').getImageData(0, 40, 1, 1).data].slice(0, 3)"
    )
    seen = [max(sized(1280, scheme).run(cursor)) for scheme in ("light", "dark", "light")]
    assert seen[0] == seen[2] < 60
    assert seen[1] > 200


@pytest.mark.parametrize(("width", "height"), [(360, 640), (740, 360), (640, 450), (1280, 720)])
def test_the_screen_fits_into_the_window(sized: Any, width: int, height: int) -> None:
    page = sized(width)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page._command("Emulation.setDeviceMetricsOverride", **size)
    page.wait("worldvae.view.pause(); await worldvae.view.begin(1); worldvae.view.toggle()")
    box = page.run("return document.getElementById('dream-screen').getBoundingClientRect()")
    page.run("worldvae.view.pause()")
    assert box["top"] >= 0
    assert box["bottom"] <= height


def test_the_keyboard_reaches_every_control(page: Any) -> None:
    """Nothing is taken out of the order of the tab key, and the dream's screen is in it."""
    assert page.run("return document.querySelectorAll('[tabindex=\"-1\"]').length") == 0
    assert page.run("return document.getElementById('dream-screen').tabIndex") == 0


def test_the_page_says_how_fast_it_is_here(page: Any) -> None:
    page.wait("document.getElementById('measure').click()")
    page.wait(
        "const words = document.getElementById('measured');"
        "while (!words.textContent.includes('frames a second'))"
        "  await new Promise(done => setTimeout(done, 50))"
    )
    words = page.run("return document.getElementById('measured').textContent")
    assert all(name in words for name in ("encoder", "decoder", "dynamics"))


def test_a_clock_ticks_as_often_as_it_is_told(page: Any) -> None:
    """In 60 pictures, a sixtieth of a second each; of a second without any little is made up."""
    found = page.wait(
        "const asked = window.requestAnimationFrame, waiting = [], seen = [];"
        "let now = 0, ticks = 0;"
        "worldvae.view.pause();"
        "window.requestAnimationFrame = (paint) => waiting.push(paint);"
        "performance.now = () => now;"
        "const picture = async (after) => {"
        "  now += after; waiting.splice(0).forEach(paint => paint(now));"
        "  for (let i = 0; i < 100; i++) await null;"
        "};"
        "try {"
        "  for (const perSecond of [15, 60, 240]) {"
        "    const clock = new worldvae.Clock(() => { ticks += 1; }, () => perSecond);"
        "    now = ticks = 0; clock.start();"
        "    for (let i = 0; i < 60; i++) await picture(1000 / 60);"
        "    seen.push(ticks); ticks = 0; await picture(1000); seen.push(ticks);"
        "    clock.stop(); ticks = 0; await picture(1000); seen.push(ticks);"
        "  }"
        "} finally { delete performance.now; window.requestAnimationFrame = asked; }"
        "return seen"
    )
    for per_second, (in_time, late, stopped) in zip(
        (15, 60, 240), np.reshape(found, (3, 3)), strict=True
    ):
        assert abs(in_time - per_second) <= 1
        assert 1 <= late <= per_second / 60 + 3
        assert stopped == 0


def test_a_dream_out_of_sight_waits(page: Any) -> None:
    playing = page.wait(
        "const { view, dynamics } = worldvae, seen = [];"
        "const wait = () => new Promise(done => setTimeout(done, 300));"
        "document.getElementById('dream-speed').value = '0.25';"
        "window.scrollTo(0, 0);"
        "await view.begin(2); view.play(); await wait(); seen.push(view.isPlaying);"
        "document.getElementById('about').scrollIntoView(); await wait();"
        "seen.push(view.isPlaying);"
        "window.scrollTo(0, 0);"
        "return [...seen, worldvae.dream.now.ended]"
    )
    assert playing[1] is False
    assert playing[0] or playing[2], "it played before, or had ended by itself"


def test_an_agent_that_is_asked_begins_a_dream_that_is_over(page: Any) -> None:
    started = page.wait(
        "const { view, dream, agents } = worldvae;"
        "view.pause(); await view.begin(2); dream.now.ended = true; view.show();"
        "const before = dream.seed;"
        "view.letPlay(agents[1]);"
        "await new Promise(done => setTimeout(done, 300));"
        "view.pause(); view.letPlay(null);"
        "return dream.seed - before"
    )
    assert started == 1
