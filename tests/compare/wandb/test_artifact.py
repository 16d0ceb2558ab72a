"""`humanseg export --wandb`: the export arrives as an artifact of its run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import humanseg
from humanseg.cli.main import main
from humanseg.runs import RunFolder
from humanseg.runs.wandb import wandb_id
from tests.compare.wandb.conftest import Stub

CARD = "# A card"
MANIFEST = {"format": 1, "scores": {"dice": 0.9}, "threshold": 0.5, "files": {}}


@pytest.fixture
def run(
    write_run: Callable[..., Path],
    compared_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Write a run whose export takes no time."""

    def export(run: Path, out: Path, *words: Any, **settings: Any) -> Path:
        out.mkdir()
        (out / "README.md").write_text(CARD)
        (out / "manifest.json").write_text(json.dumps(MANIFEST))
        (out / "model.onnx").write_bytes(b"a model")
        return out

    monkeypatch.setattr(humanseg, "export", export)
    return write_run(tmp_path / "runs" / "a", compared_root)


@pytest.mark.slow
def test_the_export_is_an_artifact_of_its_run(
    run: Path,
    log_offline: Callable[..., Path],
    wandb_stub: Stub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_offline(run)
    identity = wandb_id(RunFolder(run))
    out = tmp_path / "export"
    assert main(["export", str(run), "--out", str(out), "--wandb", "team/people"]) == 0
    assert f"wandb     team/people/model-{identity}:best" in capsys.readouterr().out
    (made,) = [sent["input"] for sent in wandb_stub.operations("createArtifact(")]
    assert (made["entityName"], made["projectName"]) == ("team", "people")
    assert made["runName"] == identity and made["artifactTypeName"] == "model"
    assert "best" in [alias["alias"] for alias in made["aliases"]]
    assert made["description"] == CARD
    assert json.loads(made["metadata"])["scores"] == {"dice": 0.9}
    sent = {path: content for path, _, content in wandb_stub.requests if "/artifact/" in path}
    assert sent["/storage/artifact/model.onnx"] == b"a model"
    assert sent["/storage/artifact/README.md"] == CARD.encode()
    # Neither what is installed here nor the machine is told.
    assert not [path for path, _, _ in wandb_stub.requests if "requirements" in path]


def test_without_a_key_nothing_is_exported(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert main(["export", str(run), "--out", str(tmp_path / "x"), "--wandb", "team/people"]) == 2
    assert not (tmp_path / "x").exists()


def test_an_export_has_no_run_to_be_linked_to(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    exported = humanseg.export(run, tmp_path / "done")
    words = ["export", str(exported), "--out", str(tmp_path / "x"), "--wandb", "team/people"]
    assert main(words) == 2
    assert not (tmp_path / "x").exists()
