"""The leaderboard, as a person uses it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from humanseg.cli.main import main
from humanseg.compare.leaderboard import Leaderboard, read_leaderboard
from humanseg.config.find import conf_folder
from humanseg.metrics.statistics import paired_difference
from humanseg.runs import RunFolder, update_summary
from humanseg.runs.home import write_home
from humanseg.runs.settings import read_shipped

pytestmark = pytest.mark.browser

Open = Callable[[Path], Page]
WriteRun = Callable[..., Path]
both_sizes = pytest.mark.parametrize(
    "open_page", [(1440, 900), (390, 844)], ids=["wide", "phone"], indirect=True
)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(
    write_run: WriteRun, compared_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Compare six settings, one with two seeds, one run on other data and two without a score."""
    runs = tmp_path_factory.mktemp("runs, 100% #1")
    worse = {"unet": 1.0, "pspnet": 4.0}
    for model, moved in worse.items():
        for loss, more in (("dice", 1.0), ("bce_dice", 0.0), ("focal", 1.0)):
            for seed in (0, 1) if (model, loss) == ("unet", "bce_dice") else (0,):
                write_run(
                    runs / f"{model},{loss},{seed}",
                    compared_root,
                    moved=moved + more,
                    noise=7 if loss == "focal" else seed,
                    seed=seed,
                    parts={"model": model, "loss": loss},
                    parameters=1_000_000 * (1 + len(model)),
                    seconds=60.0 * len(loss),
                )
    other = {"train": 3, "valid": 12, "test": 1, "valid_sha256": "0" * 64}
    for name in (HOSTILE, "plain"):
        lr = {"optimizer.lr": 0.1 if name == "plain" else 0.2}
        write_run(runs / name, compared_root, moved=len(name) / 10, data=other, changes=lr)
    for status in ("failed", "running"):
        run = write_run(runs / status, compared_root, parts={"model": "light_unet"})
        update_summary(run / "summary.json", status=status, failure=f"{HOSTILE} happened")
    assert main(["compare", str(runs)]) == 0
    return runs


@pytest.fixture(scope="module")
def board(folder: Path) -> Leaderboard:
    return read_leaderboard([folder], read_shipped(conf_folder()))


@pytest.fixture
def page(folder: Path, open_page: Open) -> Page:
    return open_page(folder / "leaderboard.html")


def rows(page: Page) -> list[str]:
    """Return what sets the rows apart, in their order."""
    labels = page.locator("#rows td.label").all()
    return [label.text_content() or "" for label in labels]


def numbers(page: Page, column: str) -> list[float]:
    cells = page.locator(f"#rows td.{column}").all_inner_texts()
    return [float(re.findall(r"[\d.]+", text)[0]) for text in cells]


@both_sizes
def test_nothing_is_cut_off_and_everything_is_drawn(page: Page) -> None:
    for section in ("#pair", "#plots", "#left-out"):
        page.locator(section).scroll_into_view_if_needed()
    for plot in ("parameters", "seconds", "curves", "coordinates", "effects"):
        expect(page.locator(f"#plot-{plot} .main-svg").first).to_be_attached()
    expect(page.locator("#duel-plot .main-svg").first).to_be_attached()
    page.wait_for_function("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for text in ("model", "loss", "Dice"):
        expect(page.locator("#plot-coordinates").get_by_text(text, exact=True)).to_be_visible()
    # No axis says the same twice.
    for axis in ("#plot-effects .xtick", "#plot-parameters .ytick", "#plot-curves .ytick"):
        ticks = page.locator(f"{axis} text").all_text_contents()
        assert len(ticks) == len(set(ticks)) > 1, axis


@both_sizes
def test_names_links_and_export_commands_are_in_sight(page: Page, folder: Path) -> None:
    width = page.viewport_size["width"]  # type: ignore[index]
    for row in page.locator("#rows tr").all():
        for part in (row.locator(".run .name"), row.get_by_role("button", name="Copy the export")):
            box = part.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    last = page.locator("#rows tr").last
    last.get_by_role("button", name="Copy the export").press("Enter")
    expect(last.get_by_text("Copied")).to_be_visible()
    name = last.locator(".run .name").inner_text()
    assert page.evaluate("window.copied").startswith("humanseg export '")
    assert f"{folder.name}/{name}' --out export/{name}" in page.evaluate("window.copied")


def test_a_run_with_a_page_leads_there_and_the_page_leads_back(
    folder: Path, open_page: Open, tmp_path: Path
) -> None:
    for run in ("unet,dice,0", "pspnet,dice,0"):
        shutil.copytree(folder / run, tmp_path / run)
    write_home(RunFolder(tmp_path / "unet,dice,0"))
    assert main(["compare", str(tmp_path)]) == 0
    page = open_page(tmp_path / "leaderboard.html")
    assert page.locator("#rows .run a.name").count() == 1
    page.get_by_role("link", name="unet,dice,0", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("unet,dice,0")
    page.get_by_role("link", name="Leaderboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaderboard")


def test_the_best_comes_first_with_its_seeds_folded(page: Page, board: Leaderboard) -> None:
    group = board.groups[0]
    assert rows(page) == list(group.entries["label"])
    assert numbers(page, "dice") == group.entries["dice_at_half"].round(4).tolist()
    first = page.locator("#rows tr").first
    expect(first).to_contain_text(f"± {group.entries['spread'][0]:.4f}")
    expect(page.locator("#conclusion")).to_contain_text("unet · bce_dice is the best of 6")
    expect(page.get_by_role("status").first).to_have_text("6 settings")
    # Only what differs is shown.
    headings = page.locator("#head th.setting").all_inner_texts()
    assert headings == ["model", "loss"]


def test_seeds_open_and_unfold(page: Page) -> None:
    page.get_by_role("button", name="2 seeds of unet · bce_dice").press("Enter")
    assert rows(page)[1:3] == ["unet · bce_dice · seed 0", "unet · bce_dice · seed 1"]
    expect(page.get_by_role("button", name="2 seeds of")).to_be_focused()
    page.get_by_label("Fold seeds").uncheck()
    assert len(rows(page)) == 7
    expect(page.get_by_role("status").first).to_have_text("7 runs")


def test_the_headings_sort(page: Page) -> None:
    page.get_by_role("button", name="Params").click()
    assert numbers(page, "parameters") == [5.0] * 3 + [7.0] * 3
    page.get_by_role("button", name="Params").click()
    assert numbers(page, "parameters") == [7.0] * 3 + [5.0] * 3
    heading = page.locator("th.parameters")
    expect(heading).to_have_attribute("aria-sort", "descending")
    # By the keyboard, and the focus stays.
    page.get_by_role("button", name="loss").press("Enter")
    assert [row.split(" · ")[1] for row in rows(page)] == sorted(["bce_dice", "dice", "focal"] * 2)
    expect(page.get_by_role("button", name="loss")).to_be_focused()
    page.get_by_role("button", name="Dice", exact=True).click()
    found = numbers(page, "dice")
    assert found == sorted(found, reverse=True)


def test_filters_by_setting_and_by_text(page: Page) -> None:
    page.get_by_label("Only model").select_option(label="model: unet")
    assert [row.split(" · ")[0] for row in rows(page)] == ["unet"] * 3
    expect(page.get_by_role("status").first).to_have_text("3 of 6 settings")
    page.get_by_label("Find").fill("FOCAL")
    assert rows(page) == ["unet · focal"]
    page.get_by_label("Find").fill("nobody")
    expect(page.get_by_text("No run matches.")).to_be_visible()
    page.get_by_role("button", name="Show all runs").click()
    assert len(rows(page)) == 6
    expect(page.get_by_label("Only model")).to_have_value("")


@pytest.mark.parametrize("open_page", [(390, 844)], ids=["phone"], indirect=True)
def test_on_a_phone_a_list_sorts(page: Page) -> None:
    page.get_by_label("Sort").first.select_option(label="Sort by Time")
    assert [row.split(" · ")[1] for row in rows(page)] == ["dice"] * 2 + ["focal"] * 2 + [
        "bce_dice"
    ] * 2


def pick(page: Page, *labels: str) -> None:
    for label in labels:
        page.get_by_role("button", name=f"Pick {label}", exact=True).click()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("unet · bce_dice", "pspnet · focal"),
        ("pspnet · dice", "unet · dice"),
        ("unet · dice", "unet · focal"),
    ],
)
def test_the_sentence_on_two_runs_is_that_of_the_statistics(
    a: str, b: str, page: Page, board: Leaderboard
) -> None:
    # What the page has picked by itself makes room.
    for button in page.get_by_role("button", name="Picked as").all()[::-1]:
        button.click()
    pick(page, a, b)
    scores = board.groups[0].scores.set_axis(board.groups[0].entries["label"], axis=1)
    said = paired_difference(scores[a], scores[b])
    verb = "A is" if said.significant else "A and B are"
    page.get_by_role("link", name="See the difference").click()
    expect(page.locator("#sentence")).to_have_text(f"{verb} {said.sentence()}.")
    ends = [f"{abs(end):.4f}" for end in (said.difference, said.low, said.high)]
    for end in ends:
        expect(page.locator("#caution")).to_contain_text(end)


def test_the_lists_pick_and_swap(page: Page) -> None:
    page.get_by_label("Run A").select_option(label="pspnet · focal")
    page.get_by_label("Run B").select_option(label="unet · bce_dice · seed 1")
    expect(page.locator("#sentence")).to_contain_text("A is worse by")
    page.get_by_role("button", name="Swap A and B").click()
    expect(page.locator("#sentence")).to_contain_text("A is better by")
    expect(page.get_by_label("Run A")).to_have_value(re.compile("run"))
    page.get_by_label("Run A").select_option(value="")
    expect(page.locator("#sentence")).to_have_text("Pick two runs, in the table or here.")


def painted(page: Page, name: str) -> dict[str, int]:
    """Count the colours of the pixels on a canvas."""
    counts: dict[str, int] = page.get_by_role("img", name=name).first.evaluate(
        """canvas => {
          const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const counts = {};
          for (let place = 0; place < pixels.data.length; place += 4) {
            const colour = [...pixels.data.slice(place, place + 3)].join(",");
            counts[colour] = (counts[colour] || 0) + 1;
          }
          return counts;
        }"""
    )
    return counts


def test_the_photos_on_which_they_disagree_are_drawn(page: Page, board: Leaderboard) -> None:
    page.get_by_label("Run A").select_option(label="unet · bce_dice")
    page.get_by_label("Run B").select_option(label="pspnet · focal")
    group = board.groups[0]
    scores = group.scores.set_axis(group.entries["label"], axis=1)
    gap = scores["unet · bce_dice"] - scores["pspnet · focal"]
    worst = str(gap.abs().idxmax())
    first = page.locator("#disputes li").first
    expect(first.locator(".photo-id")).to_have_text(worst)
    expect(first.locator(".gap")).to_have_text(f"+{abs(gap).max():.4f}")
    assert page.locator("#disputes li").count() == 6
    page.get_by_role("button", name="Show more photos").click()
    assert page.locator("#disputes li").count() == 12
    expect(page.get_by_role("button", name="Show more photos")).to_be_hidden()

    # Dice again, from the pixels: white is right, orange missed, blue added, black neither.
    truth = painted(page, f"True mask of photo {worst}")
    assert set(truth) == {"0,0,0", "255,255,255"} and sum(truth.values()) == 64 * 48
    mask = painted(page, f"Mask of B on photo {worst}")
    right, missed = mask["255,255,255"], mask["255,150,0"]
    added = mask["51,136,255"]
    assert right + missed == truth["255,255,255"]
    expected = scores.loc[worst, "pspnet · focal"]
    assert 2 * right / (2 * right + missed + added) == pytest.approx(expected)

    page.get_by_label("Order of the photos").select_option(label="B better than A first")
    assert page.locator("#disputes .gap").first.inner_text() == f"{gap.min():+.4f}".replace(
        "-", "−"
    )


def test_a_photo_opens_large_and_keys_lead_on(page: Page) -> None:
    strip = page.locator("#disputes .strip")
    page.locator("#pair").scroll_into_view_if_needed()
    strip.first.press("Enter")
    expect(page.locator("#box-place")).to_have_text("1 of 12")
    expect(page.get_by_role("button", name="Previous photo")).to_be_disabled()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#box-place")).to_have_text("8 of 12")
    title = page.locator("#box-title").inner_text()
    page.keyboard.press("Escape")
    expect(page.locator("#box")).to_be_hidden()
    # The list has grown as far as the person has looked.
    expect(page.get_by_role("button", name=f"Photo {title}, enlarge")).to_be_focused()


def test_a_point_picks_its_run(page: Page) -> None:
    page.locator("#plots").scroll_into_view_if_needed()
    expect(page.locator("#plot-parameters .main-svg").first).to_be_attached()
    page.evaluate(
        """document.getElementById("plot-parameters").emit("plotly_click",
        { points: [{ customdata: "entry 4" }] })"""
    )
    expect(page.locator("#rows tr").nth(4).locator(".pick")).to_have_text("B")


def test_the_plots_follow_the_filters(page: Page) -> None:
    page.locator("#plots").scroll_into_view_if_needed()
    expect(page.locator("#plot-parameters .main-svg").first).to_be_attached()
    shown = "document.getElementById('plot-seconds').data.flatMap(t => t.customdata || []).length"
    assert page.evaluate(shown) == 6
    page.get_by_label("Find").fill("pspnet")
    assert page.evaluate(shown) == 3


def test_the_plots_are_drawn_for_paper_when_the_page_is_printed(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.locator("#plots").scroll_into_view_if_needed()
    label = page.locator("#plot-seconds .ytick text").first
    expect(label).to_have_css("fill", "rgb(163, 164, 156)")
    page.emulate_media(media="print", color_scheme="dark")
    expect(label).to_have_css("fill", "rgb(99, 100, 94)")


def test_other_data_stand_apart_and_names_are_text(page: Page) -> None:
    page.get_by_role("button", name="12 valid photos, 3 to train").click()
    assert len(rows(page)) == 2
    expect(page.locator("#rows td.run .name").filter(has_text=HOSTILE)).to_be_visible()
    expect(page.locator("#sentence")).to_contain_text(" is better by ")
    page.locator("#plots").scroll_into_view_if_needed()
    expect(page.locator("#plot-curves .main-svg").first).to_be_attached()
    left_out = page.locator("#left-out-rows tr")
    expect(left_out.filter(has_text="failed")).to_contain_text(f"{HOSTILE} happened")
    expect(left_out.filter(has_text="interrupted")).to_contain_text("3 epochs done, Dice 0.8750")


def test_without_the_photos_the_numbers_are_there(
    folder: Path, open_page: Open, tmp_path: Path
) -> None:
    for run in ("unet,dice,0", "pspnet,dice,0"):
        shutil.copytree(folder / run, tmp_path / run)
        config = tmp_path / run / "config.yaml"
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub(r"root: .*", "root: /nowhere", text), encoding="utf-8")
    assert main(["compare", str(tmp_path)]) == 0
    page = open_page(tmp_path / "leaderboard.html")
    page.locator("#pair").scroll_into_view_if_needed()
    expect(page.locator("#sentence")).to_contain_text("A is better by")
    expect(page.locator("#photo-note")).to_contain_text("not in /nowhere any more")
    assert page.locator("#disputes li").count() == 6 and page.locator("canvas").count() == 0


def test_one_run_and_none_with_a_score(folder: Path, open_page: Open, tmp_path: Path) -> None:
    shutil.copytree(folder / "unet,dice,0", tmp_path / "one" / "run")
    shutil.copytree(folder / "failed", tmp_path / "none" / "run")
    for name in ("one", "none"):
        assert main(["compare", str(tmp_path / name)]) == 0
    page = open_page(tmp_path / "one" / "leaderboard.html")
    assert rows(page) == ["run"]
    expect(page.locator("#pair")).to_be_hidden()
    page.locator("#plots").scroll_into_view_if_needed()
    expect(page.locator("#plot-curves .main-svg").first).to_be_attached()
    expect(page.locator("#plot-parameters")).to_be_hidden()
    page = open_page(tmp_path / "none" / "leaderboard.html")
    expect(page.get_by_text("No run has finished yet")).to_be_visible()
    expect(page.get_by_text(f"{HOSTILE} happened")).to_be_visible()


def test_files_that_were_lost_are_named(folder: Path, browser: Browser, tmp_path: Path) -> None:
    shutil.copy(folder / "leaderboard.html", tmp_path)
    with browser.new_page() as page:
        page.set_default_timeout(120_000)
        page.goto((tmp_path / "leaderboard.html").as_uri())
        expect(page.get_by_text("leaderboard_files is missing beside this page")).to_be_visible()
        shutil.copytree(folder / "leaderboard_files", tmp_path / "leaderboard_files")
        shutil.rmtree(tmp_path / "leaderboard_files" / "runs")
        page.reload()
        page.locator("#pair").scroll_into_view_if_needed()
        expect(page.locator("#sentence")).to_contain_text("is missing beside this page")
