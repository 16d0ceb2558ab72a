import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.gallery import histogram, write_test_page, write_valid_page
from humanseg.pages.render import percent, render, score, url

HOSTILE = "<img src=x onerror=alert(1)>"
IDS = [
    "7",
    HOSTILE,
    "\"quoted\" & 'single'",
    "100%25 #1?a=b",
    "Ünïcödé 写真",
    ".hidden",
    "javascript:alert(1)",
    "a  b",
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "not utf-8 \udcff",
]


class Tags(HTMLParser):
    """Collects what a browser would see: tags with their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def items(self) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag == "li" and "data-id" in attrs]


def photo_card(id: str, foreground: float = 0.5) -> TestCard:
    photo, mask, crop = (f"test/{id}_{end}" for end in ("img.jpg", "pred_mask.png", "crop.png"))
    return TestCard(id, photo, mask, crop, foreground, 320, 240)


def valid_card(id: str, dice: float) -> ValidCard:
    ends = ("img.jpg", "errors.png", "pred_mask.png", "true_mask.png")
    photo, errors, mask, truth = (f"valid/{id}_{end}" for end in ends)
    return ValidCard(id, photo, errors, mask, truth, dice, dice / 2, dice / 3, 0.4, 0.1, 320, 240)


@pytest.fixture(params=["test", "valid"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "page.html"
    if request.param == "test":
        write_test_page(path, [photo_card(id) for id in IDS])
    else:
        write_valid_page(path, [valid_card(id, 0.5) for id in IDS])
    return path.read_text(encoding="utf-8")


def test_ids_are_text_and_nothing_else(page: str) -> None:
    seen = Tags(page)
    shown = [id.encode(errors="surrogateescape").decode(errors="replace") for id in IDS]
    assert [item["data-id"] for item in seen.items()] == shown
    assert set(shown) <= set(seen.text)
    assert not [attrs for _, attrs in seen.tags if any(name.startswith("on") for name in attrs)]
    assert [tag for tag, _ in seen.tags].count("script") == 1


def test_urls_lead_back_to_the_file_names(page: str) -> None:
    urls = [a["src"] for tag, a in Tags(page).tags if tag == "img"]
    urls += [a["href"] for tag, a in Tags(page).tags if tag == "a"]
    stems = {unquote(u, errors="surrogateescape").split("/", 1)[1].rsplit("_", 1)[0] for u in urls}
    assert {stem.removesuffix("_pred").removesuffix("_true") for stem in stems} == set(IDS)
    assert all(re.fullmatch(r"(test|valid)/[\w.~%/-]+", u, re.ASCII) for u in urls)


def test_page_needs_no_network_and_no_other_file(page: str) -> None:
    assert not re.search(r"https?:|//\w|@import|fetch\(|url\(", page)
    for tag, attrs in Tags(page).tags:
        assert tag not in ("iframe", "object", "embed", "base")
        assert tag != "script" or "src" not in attrs
        assert tag != "link" or attrs["href"] == "data:,"


def test_every_picture_says_what_it_is(page: str) -> None:
    pictures = [a for tag, a in Tags(page).tags if tag == "img"]
    assert all(
        "alt" in a and a["loading"] == "lazy" and a["width"] and a["height"] for a in pictures
    )


def test_test_photos_keep_their_order(tmp_path: Path) -> None:
    write_test_page(tmp_path / "test.html", [photo_card(id) for id in ("2", "10", "1")])
    seen = Tags((tmp_path / "test.html").read_text())
    assert [item["data-id"] for item in seen.items()] == ["2", "10", "1"]


def test_valid_photos_come_worst_first_with_their_scores(tmp_path: Path) -> None:
    cards = [valid_card("good", 0.99), valid_card("bad", 0.125), valid_card("fair", 0.5)]
    write_valid_page(tmp_path / "valid.html", cards, facts=[("Threshold", "0.4")])
    seen = Tags((tmp_path / "valid.html").read_text())
    assert [item["data-id"] for item in seen.items()] == ["bad", "fair", "good"]
    text = " ".join(" ".join(seen.text).split())
    assert "bad Dice 0.1250 IoU 0.0625 Boundary Dice 0.0417 Foreground 40 %" in text
    assert "Foreground 40 % Predicted foreground 10 %" in text
    assert "Mean Dice 0.5383" in text and "Threshold 0.4" in text
    assert "Missed" in text and "Wrongly added" in text


def test_a_score_that_is_not_defined_reads_as_a_dash(tmp_path: Path) -> None:
    card = replace(valid_card("1", 0.5), boundary_dice=float("nan"))
    write_valid_page(tmp_path / "valid.html", [card, replace(card, id="2", boundary_dice=0.25)])
    page = (tmp_path / "valid.html").read_text()
    assert [item["data-boundary"] for item in Tags(page).items()] == ["nan", "0.25"]
    assert page.count("<dd>–</dd>") == 1
    assert "<dt>Mean boundary Dice</dt><dd>0.2500</dd>" in page


@pytest.mark.parametrize("write", [write_test_page, write_valid_page])
def test_a_page_without_photos_says_so(write: object, tmp_path: Path) -> None:
    assert callable(write)
    write(tmp_path / "page.html", [])
    assert "There are no photos here." in (tmp_path / "page.html").read_text()


def test_base_page_escapes_what_it_is_given() -> None:
    page = render("base.html", heading=HOSTILE, lead=HOSTILE, facts=[(HOSTILE, HOSTILE)])
    assert HOSTILE not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 5


def test_histogram_is_relative_to_its_fullest_bin() -> None:
    bars = histogram([0.0, 0.01, 1.0], 0, 1)
    assert (bars[0], bars[-1], sum(bars)) == (1.0, 0.5, 1.5)
    assert set(histogram([], 0, 1)) == {0.0}


def test_numbers_round_towards_caution() -> None:
    assert [percent(x) for x in (0, 0.001, 0.504, 0.999, 1)] == [
        "0 %",
        "<1 %",
        "50 %",
        ">99 %",
        "100 %",
    ]
    assert [score(x) for x in (0.99999, 1 - 1e-10, 0.97216)] == ["0.9999", "1.0000", "0.9722"]


def test_a_path_cannot_become_a_scheme() -> None:
    assert url("javascript:alert(1)") == "javascript%3Aalert%281%29"
