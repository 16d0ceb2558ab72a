"""Whoever uses the page by keyboard sees where they are: every ring of focus is whole."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.demo.conftest import Demo, figure

pytestmark = pytest.mark.browser

CUT_OFF = """() => {
  const focused = document.activeElement;
  // The ring of an input that is not seen itself is around what stands for it.
  const candidates = [focused, focused.nextElementSibling, document.querySelector(".grip")];
  const ringed = candidates.find((each) => each && getComputedStyle(each).outlineStyle !== "none"
    && each.getBoundingClientRect().width > 2);
  // That of a slider is around its thumb, in the middle of the slider's height.
  if (!ringed) return focused.type === "range" ? [] : ["no ring"];
  const style = getComputedStyle(ringed);
  const { left, top, right, bottom } = ringed.getBoundingClientRect();
  const out = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset) - 0.5;
  const problems = [];
  const within = (name, x, y, width, height) => {
    if (left - out < x || right + out > x + width) problems.push(`${name}: sideways`);
    if (top - out < y || bottom + out > y + height) problems.push(`${name}: above or below`);
  };
  within("window", 0, 0, innerWidth, innerHeight);
  for (let around = ringed.parentElement; around; around = around.parentElement) {
    if (getComputedStyle(around).overflow === "visible") continue;
    const box = around.getBoundingClientRect();
    within(around.id || around.className, box.left + around.clientLeft, box.top + around.clientTop,
      around.clientWidth, around.clientHeight);
  }
  return problems;
}"""

PLACE = "[...document.body.querySelectorAll('*')].indexOf(document.activeElement)"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """More photos than the strip shows at once."""
    folder = tmp_path_factory.mktemp("many")
    paths = [folder / f"{number}.png" for number in range(9)]
    for number, path in enumerate(paths):
        Image.fromarray(figure((60, 40), number)[0]).save(path)
    return paths


def cut_off(demo: Demo) -> tuple[int, dict[str, list[str]]]:
    """Tab through the page; return how many places there are, and what is cut off at which."""
    page = demo.page
    problems: dict[str, list[str]] = {}
    page.evaluate("document.activeElement.blur()")
    page.mouse.click(1, 1)
    seen: list[int] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        place = page.evaluate(PLACE)
        if place < 0 or place in seen:
            break
        seen.append(place)
        if found := page.evaluate(CUT_OFF):
            problems[page.evaluate("document.activeElement.outerHTML")] = found
    return len(seen), problems


@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (360, 640)], ids=str)
def test_no_ring_is_cut_off(
    size: tuple[int, int], open_demo: Callable[..., Demo], address: str, many: list[Path]
) -> None:
    demo = open_demo(address, size)
    demo.wait()
    assert cut_off(demo) == (4, {})
    demo.choose(*many)
    demo.page.wait_for_selector("#strip button:nth-child(9)")
    for ground in ("Blurred photo", "Another colour", "A picture"):
        demo.show("Background")
        demo.page.get_by_role("radio", name=ground).check(force=True)
        count, problems = cut_off(demo)
        assert count >= 3 + len(many) + 3
        assert problems == {}
