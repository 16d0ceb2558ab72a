"""`humanseg compare --wandb` against a server that writes down what it is sent."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humanseg.cli.main import main
from humanseg.runs import RunFolder, update_summary
from humanseg.runs.wandb import wandb_id
from tests.compare.wandb.conftest import KEY, Stub

Said = pytest.CaptureFixture[str]
RATES = {"dice": 0.0003, "bce_dice": 0.03}


@pytest.fixture(scope="module")
def logged(
    tmp_path_factory: pytest.TempPathFactory,
    write_run: Callable[..., Path],
    compared_root: Path,
    log_offline: Callable[..., Path],
) -> Path:
    """Two runs that differ in their loss and their learning rate, both logged offline."""
    folder = tmp_path_factory.mktemp("logged") / "runs"
    for loss, rate in RATES.items():
        different: dict[str, Any] = {"parts": {"loss": loss}, "changes": {"optimizer.lr": rate}}
        run = write_run(folder / loss, compared_root, moved=len(loss), **different)
        log_offline(run, failed=loss == "dice")
    return folder


@pytest.fixture
def runs(logged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(logged, tmp_path / "runs"))


def ids(runs: Path) -> list[str]:
    return [str(wandb_id(RunFolder(runs / loss))) for loss in ("bce_dice", "dice")]


def panels(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the panels of a saved view by their titles, or what kind they are."""
    sections = view["spec"]["section"]["panelBankConfig"]["sections"]
    found = [panel for section in sections for panel in section["panels"]]
    return {each["config"].get("chartTitle", each["viewType"]): each for each in found}


def test_the_dashboard_is_saved(runs: Path, wandb_stub: Stub, capsys: Said) -> None:
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 0
    said = capsys.readouterr()
    (view,) = wandb_stub.views()
    assert (view["entityName"], view["projectName"]) == ("team", "people")
    assert view["displayName"].startswith("runs, 12 valid photos, ")
    assert view["type"] == "project-view"
    # The table and the page are there as without it; the address comes last.
    assert "It is better than" in said.out and (runs / "leaderboard.html").is_file()
    address = f"{wandb_stub.address}/team/people?nw={view['name'][3:-2]}"
    assert said.out.splitlines()[-1] == f"wandb  {address}"
    assert said.err == ""
    assert {key for path, key, _ in wandb_stub.requests if path == "/graphql"} == {KEY}
    # Neither runs nor usage are sent, and nothing stays behind.
    assert {path for path, _, _ in wandb_stub.requests} == {"/", "/graphql"}
    assert not wandb_stub.operations("upsertBucket")
    assert not [path for path in (runs.parent / "home").rglob("*") if path.is_file()]


def test_its_table_and_panels_are_those_of_the_leaderboard(runs: Path, wandb_stub: Stub) -> None:
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 0
    (view,) = wandb_stub.views()
    (run_set,) = view["spec"]["section"]["runSets"]
    settings = ["config:loss.value", "config:optimizer/lr.value"]
    assert run_set["runFeed"]["columnOrder"] == [
        "run:displayName",
        *(f"summary:{key}" for key in ("dice_at_half", "dice", "boundary_dice")),
        *(f"summary:{key}" for key in ("parameters", "seconds", "images_per_second")),
        *settings,
        "config:seed.value",
    ]
    (order,) = run_set["sort"]["keys"]
    assert order == {"key": {"section": "summary", "name": "dice_at_half"}, "ascending": False}
    (only,) = run_set["filters"]["filters"]
    assert (only["key"], only["op"]) == ({"section": "run", "name": "name"}, "IN")
    assert sorted(only["value"]) == sorted(ids(runs))

    shown = panels(view)
    axes = shown["Settings, and the Dice they lead to"]["config"]["columns"]
    assert [axis["accessor"] for axis in axes] == [*settings, "summary:dice_at_half"]
    assert [axis.get("log") for axis in axes] == [False, True, None]
    scatter = shown["Dice against parameters"]["config"]
    assert (scatter["xAxis"], scatter["yAxis"]) == ("summary:parameters", "summary:dice_at_half")
    assert shown["Dice against training time (s)"]["config"]["xAxis"] == "summary:seconds"
    curves = {
        panel["config"]["metrics"][0]
        for panel in shown.values()
        if panel["viewType"] == "Run History Line Plot" and panel["config"]["xAxis"] == "epoch"
    }
    assert curves == {"val/dice", "train/loss", "val/loss"}
    assert '"predictions"' in json.dumps(shown["Weave"])


def test_the_keys_are_those_that_a_run_logs(runs: Path, wandb_stub: Stub) -> None:
    """Read back by wandb's own tool what was logged offline."""
    (file,) = (runs / "dice" / "wandb").glob("offline-run-*/run-*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(file)]
    back = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (back["state"], back["exit_code"]) == ("failed", 1)
    main(["compare", str(runs), "--wandb", "team/people"])
    (view,) = wandb_stub.views()
    columns = view["spec"]["section"]["runSets"][0]["runFeed"]["columnOrder"]
    for column in columns[1:]:
        section, _, key = column.partition(":")
        assert key.removesuffix(".value") in back[section], column
    assert back["config"]["loss"] == "dice" and back["config"]["optimizer/lr"] == RATES["dice"]


def test_a_second_call_replaces_it(runs: Path, wandb_stub: Stub) -> None:
    command = ["compare", str(runs), "--wandb", "team/people"]
    assert main(command) == main(command) == 0
    first, second = wandb_stub.views()
    assert "id" not in first and second["id"] == "view-0" and second["name"] == first["name"]


def test_runs_on_other_data_have_a_dashboard_of_their_own(
    runs: Path,
    write_run: Callable[..., Path],
    sample_root: Path,
    wandb_stub: Stub,
) -> None:
    other = write_run(runs / "other", sample_root)
    shutil.copytree(runs / "dice" / "wandb", other / "wandb")
    (file,) = (other / "wandb").glob("*/run-*.wandb")
    file.rename(file.with_name("run-other.wandb"))
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 0
    first, second = wandb_stub.views()
    assert second["displayName"].startswith("runs, 3 valid photos, ")
    assert first["name"] != second["name"]
    filters = [each["spec"]["section"]["runSets"][0]["filters"] for each in (first, second)]
    shown = [each["filters"][0]["value"] for each in filters]
    assert sorted(shown[0]) == sorted(ids(runs)) and shown[1] == ["other"]


def test_without_a_key_nothing_is_asked(
    runs: Path, wandb_stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    assert main(["compare", str(runs), "--wandb", "team/people", "--sync"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "wandb login" in said and "WANDB_API_KEY" in said
    assert not wandb_stub.requests and not (runs / "leaderboard.html").exists()


def test_a_key_that_is_refused_is_said(
    runs: Path, wandb_stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "wandb login --relogin" in said and not wandb_stub.views()
    assert (runs / "leaderboard.html").is_file()


def test_without_a_network_the_page_is_written_all_the_same(
    runs: Path, wandb_stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert main(["compare", str(runs), "--wandb", "team/people", "--sync"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("wandb cannot be reached at http://127.0.0.1:9: ")
    assert (runs / "leaderboard.html").is_file()


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("nobody/people", "no person or team nobody"),
        ("team/nothing", "no project team/nothing in wandb yet: it comes with its first run"),
    ],
)
def test_who_and_what_wandb_does_not_know(
    runs: Path, wandb_stub: Stub, capsys: Said, project: str, words: str
) -> None:
    assert main(["compare", str(runs), "--wandb", project]) == 2
    assert words in capsys.readouterr().err and not wandb_stub.views()


@pytest.mark.parametrize("text", ["people", "team/", "team/people/runs", "https://wandb.ai/t/p"])
def test_a_project_of_another_form_is_refused(runs: Path, capsys: Said, text: str) -> None:
    assert main(["compare", str(runs), "--wandb", text]) == 2
    assert "give ENTITY/PROJECT" in capsys.readouterr().err


def test_sync_alone_is_refused(runs: Path, capsys: Said) -> None:
    assert main(["compare", str(runs), "--sync"]) == 2
    assert "add --wandb ENTITY/PROJECT" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["wandb", "wandb_workspaces"])
def test_what_is_not_installed_is_named(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 2
    said = capsys.readouterr().err
    assert f"needs {name.replace('_', '-')}," in said and "humanseg[train,dashboard]" in said


def test_runs_that_were_not_logged_make_no_dashboard(
    runs: Path, wandb_stub: Stub, capsys: Said
) -> None:
    for loss in RATES:
        shutil.rmtree(runs / loss / "wandb")
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 2
    assert "None of these runs was logged to wandb" in capsys.readouterr().err
    assert not wandb_stub.views()


def test_failed_runs_stand_beside_the_others(runs: Path, wandb_stub: Stub) -> None:
    update_summary(runs / "dice" / "summary.json", status="failed", failure="no memory")
    assert main(["compare", str(runs), "--wandb", "team/people"]) == 0
    (view,) = wandb_stub.views()
    (only,) = view["spec"]["section"]["runSets"][0]["filters"]["filters"]
    assert sorted(only["value"]) == sorted(ids(runs))


def test_no_torch_is_loaded(runs: Path, wandb_stub: Stub) -> None:
    code = (
        "import sys; from humanseg.cli.main import main;"
        "code = main(['compare', sys.argv[1], '--wandb', 'team/people']);"
        "print(code, 'torch' in sys.modules, 'pytorch_lightning' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(runs)], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 False False", done.stderr
