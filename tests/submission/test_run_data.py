"""A submission in a run's folder is about the data of the run."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from humanseg.data.folds import fold_ids
from humanseg.data.layout.mask_rule import AS_DRAWN, MaskRule
from humanseg.errors import HumansegError
from humanseg.submission import score_file
from tests.submission.conftest import IDS, Masks, as_csv, lines, score


def own_run(root: Path, data: Mapping[str, object]) -> Path:
    run = root.parent / "a run"
    (run / "deep").mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump({"data": dict(data)}))
    return run


def test_a_file_in_a_run_is_about_the_data_of_the_run(root: Path, masks: Masks) -> None:
    run = own_run(root, {"root": str(root)})
    wanted = score(root, as_csv(lines(masks)))
    for path in (run / "pred_valid.csv", run / "deep" / "other.csv"):
        path.write_text(as_csv(lines(masks)))
        report = score_file(path)
        assert report.dice == wanted.dice
        assert report.text().splitlines()[0] == f"data    {root}, of the run {run}"
    # What is given wins, also where the run names nothing.
    (run / "config.yaml").write_text("model: x\n")
    assert score_file(run / "pred_valid.csv", root).dice == wanted.dice
    with pytest.raises(HumansegError, match="does not record what it was trained on.*--data ROOT"):
        score_file(run / "pred_valid.csv")


def test_a_file_of_a_fold_is_about_the_photos_of_the_fold(root: Path, masks: Masks) -> None:
    for name in ("", "_mask"):
        (root / f"valid{name}").rename(root / f"ids{name}")
    (root / "train" / "3.jpg").unlink()
    (root / "train").rmdir()
    for name in ("", "_mask"):
        (root / f"ids{name}").rename(root / f"train{name}")
    run = own_run(root, {"root": str(root), "fold": 1, "folds": 3})
    of_fold = fold_ids(IDS, 1, 3)
    path = run / "pred_valid.csv"
    path.write_text(as_csv(lines({id: masks[id] for id in sorted(of_fold, key=int)})))
    report = score_file(path)
    assert sorted(report.per_photo) == sorted(of_fold) and "fold 1 of 3" in report.text()


def test_without_data_it_is_said_what_is_missing(root: Path, masks: Masks, tmp_path: Path) -> None:
    path = root.parent / "pred.csv"
    with pytest.raises(HumansegError, match="No such file"):
        score_file(path)
    path.write_text(as_csv(lines(masks)))
    with pytest.raises(HumansegError, match="not in the folder of a run.*--data ROOT"):
        score_file(path)
    run = own_run(root, {"root": str(tmp_path / "gone")})
    moved = path.rename(run / "pred.csv")
    with pytest.raises(HumansegError, match="trained on .*gone, and there is no such folder"):
        score_file(moved)


def test_without_pyyaml_it_is_said_what_a_file_in_a_run_needs(
    root: Path, masks: Masks, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_run(root, {"root": str(root)}) / "pred_valid.csv"
    path.write_text(as_csv(lines(masks)))
    monkeypatch.setitem(sys.modules, "yaml", None)
    for given in (None, root):
        with pytest.raises(HumansegError, match="pip install pyyaml.*--data ROOT") as caught:
            score_file(path, given)
        assert caught.value.code == "submission.no_yaml"
    assert score(root, as_csv(lines(masks))).dice == score_file(path, root, rule=AS_DRAWN).dice


def test_masks_are_read_as_the_run_of_the_submission_does_or_as_it_is_said(
    root: Path, masks: Masks
) -> None:
    plain = score(root, as_csv(lines(masks))).dice
    for path in (root / "valid_mask").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    csv = root.parent / "pred.csv"
    assert score_file(csv, root).dice < plain
    assert score_file(csv, root, rule=MaskRule(invert=True)).dice == plain
    (root.parent / "summary.json").write_text("{}")
    (root.parent / "config.yaml").write_text(f"data: {{root: {root}, invert_masks: true}}\n")
    assert score_file(csv, root).dice == score_file(csv).dice == plain
