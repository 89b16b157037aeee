"""The node's page in windows of any width: text stays readable and is not cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chromium import find_chromium
from tests.support.large_text import CUT_OFF, LARGE, SQUEEZED
from tests.support.node_page import LIVE, looking, run
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

# The height of the words in the plot, and how wide the plot is drawn, of the room that it has.
PLOT = """(() => { const svg = document.getElementById("plot").getBoundingClientRect();
  const lines = [...document.querySelectorAll("#plot .frame")].map((one) => one.getBoundingClientRect().width);
  const words = [...document.querySelectorAll("#plot text")].map((one) => one.getBoundingClientRect().height);
  return [Math.max(...words), Math.max(...lines) / svg.width]; })()"""
# Words of the labels that are broken: one line of theirs is narrower than the longest word.
BROKEN = """[...document.querySelectorAll(".choice-row > :is(label, span)")].filter((one) => {
  const words = one.textContent.trim().split(/\\s+/), made = document.createElement("span");
  made.textContent = words.sort((a, b) => b.length - a.length)[0];
  made.style.cssText = "position: absolute; white-space: nowrap";
  one.append(made);
  const width = made.getBoundingClientRect().width;
  made.remove();
  return width > one.getBoundingClientRect().width + 1;
}).map((one) => one.textContent)"""

# Points of the areas lie on the edge of the picture, and half of each beyond it.
CUT_OFF_IN_EDITOR = CUT_OFF.replace(".strip,", ".screen, .strip,")
MOTION = {"enable": True, "zones": ["the_gate_to_the_garden=0,0 1,0 1,1 0,1"], "ignore": ["0,0 1,0 1,0.1 0,0.1"]}


def test_the_plot_is_as_wide_as_its_card_with_words_of_one_size_and_labels_break_no_word(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with looking(url, tmp_path) as tab:
            await tab.until(LIVE)
            for width in (320, 390, 820, 1280):
                await tab.look(width=width, height=900, phone=width < 500)
                await tab.until(f"{PLOT}[0] <= 16 && {PLOT}[1] > 0.8", f"the plot at {width} px")
                await tab.until("document.querySelector('.choice-row label')?.checkVisibility()", "the card of motion")
                assert await tab.value(BROKEN) == [], f"at {width} px"
            places = "['label', 'span', 'input'].map((one) => document.querySelector(`.private > ${one}`).offsetLeft)"
            label, words, switch = await tab.value(places)
            assert label < words < switch, "on a desk the switch of privacy is one line"

    with RunningWebServer(tmp_path, motion={"enable": True}) as serving, serving.filming():
        run(lambda: story(serving.url))


def test_text_of_twice_the_size_is_neither_cut_off_nor_a_column_of_letters(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with looking(url, tmp_path) as tab:
            await tab.send("Page.addScriptToEvaluateOnNewDocument", source=LARGE)
            for width in (390, 360):
                await tab.look(width=width, height=844, phone=True)
                await tab.go(url)
                await tab.until("document.documentElement.style.fontSize === '200%'")
                await tab.until(LIVE)
                await tab.until("document.getElementById('ago-text').innerText.length > 5", "the moment in the past")
                await tab.until("document.querySelector('.choice-row label')?.checkVisibility()", "the card of motion")
                assert await tab.value(CUT_OFF) == [], f"at {width} px"
                assert await tab.value(SQUEEZED) == [], f"at {width} px"
                await tab.click("#motion .choice-row:last-of-type button")
                await tab.until("document.querySelector('.areas input')?.checkVisibility()", "the editor of zones")
                assert await tab.value(CUT_OFF_IN_EDITOR) == [], f"the editor of zones at {width} px"

    with RunningWebServer(tmp_path, motion=MOTION) as serving, serving.filming():
        run(lambda: story(serving.url))
