import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from humanseg.cli.main import main
from humanseg.errors import HumansegError
from humanseg.evaluation.data import data_of
from humanseg.evaluation.evaluate import evaluate
from humanseg.evaluation.predictor import exact_fp32, load_predictor
from humanseg.evaluation.submission_writer import submission_order
from humanseg.io.names import TEMPLATE_NAME
from humanseg.io.rle import decode_rle
from humanseg.models import Segmenter
from humanseg.models.checkpoint import load_segmenter
from humanseg.runs import RunFolder, read_summary, update_summary
from humanseg.submission import score_file

Train = Callable[..., RunFolder]


@pytest.fixture
def root(tmp_path: Path, sample_root: Path) -> Path:
    """A copy of the sample, to be changed."""
    shutil.copytree(sample_root, tmp_path / "data")
    return tmp_path / "data"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_submission_scores_and_summary_agree(trained: RunFolder, sample_root: Path) -> None:
    summary = read_summary(trained.summary)
    scores = [float(row["dice"]) for row in rows(trained.scores)]
    assert np.mean(scores) == pytest.approx(summary["dice"], abs=1e-9)
    report = score_file(trained.submission, sample_root)
    assert report.dice == pytest.approx(summary["dice"], abs=1e-9)
    for row in rows(trained.scores):
        assert report.per_photo[row["id"]] == pytest.approx(float(row["dice"]), abs=1e-9)
    assert summary["dice"] == summary["dice_at_half"] and summary["threshold"] == 0.5


def test_all_files_of_a_run_are_there(trained: RunFolder) -> None:
    for path in (
        trained.config,
        trained.best,
        trained.last,
        trained.summary,
        trained.history,
        trained.scores,
        trained.submission,
        trained.test_page,
        trained.valid_page,
        trained.curves,
    ):
        assert path.stat().st_size > 0, path
    for id in ("9", "10"):
        for name in ("img.jpg", "pred_mask.png", "crop.png"):
            assert (trained.path / "test" / f"{id}_{name}").is_file()
    assert list(rows(trained.scores)[0]) == ["id", "dice", "iou", "boundary_dice", "foreground"]
    assert [row["id"] for row in rows(trained.scores)] == ["6", "7", "8"]
    leftovers = [path for path in trained.path.rglob("*") if path.name.endswith(".partial")]
    assert not leftovers and not trained.lock.exists()
    expected = {"status", "failure", "dice", "dice_at_half", "best_epoch", "epochs", "seconds"}
    expected |= {"images_per_second", "loader_wait", "parameters", "peak_memory_mb", "seed"}
    expected |= {"overrides", "data", "git", "versions", "device", "threshold"}
    assert expected <= set(read_summary(trained.summary))


def test_without_test_photos_a_run_has_all_but_the_test_page(
    root: Path, tmp_path: Path, train_run: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root / "test")
    run = train_run(tmp_path / "run", f"data.root={root}", "trainer.max_epochs=1")
    said = capsys.readouterr().out
    assert "there will be no test page" in said and "test.html" not in said
    assert not run.test_page.exists() and run.valid_page.exists()
    report = evaluate(run.path)
    assert len(report.per_photo) == len(rows(run.submission))


def test_the_submission_is_what_the_best_checkpoint_says_in_fp32(
    trained: RunFolder, sample_root: Path
) -> None:
    segmenter, _ = load_segmenter(trained)
    for row in rows(trained.submission):
        photo = np.array(Image.open(sample_root / "valid" / f"{row['id']}.jpg"))
        with torch.no_grad():
            logits = segmenter(torch.from_numpy(photo).permute(2, 0, 1)[None])
        assert isinstance(logits, torch.Tensor)
        expected = (logits.sigmoid() > 0.5)[0, 0].numpy()
        assert np.array_equal(decode_rle(row["rle_mask"], (64, 48)), expected)


def test_a_run_in_bf16_is_scored_in_fp32(
    tmp_path: Path, train_run: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[torch.dtype, bool, bool]] = []
    forward = Segmenter.forward

    def watched(self: Segmenter, image: torch.Tensor) -> Any:
        weight = next(self.parameters())
        if not self.training:
            seen.append(
                (weight.dtype, torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled())
            )
        return forward(self, image)

    run = train_run(tmp_path / "run", "trainer.precision=bf16-mixed", "trainer.max_epochs=1")
    monkeypatch.setattr(Segmenter, "forward", watched)
    report = evaluate(run.path)
    assert seen and all(dtype == torch.float32 and not cast for dtype, cast, _ in seen)
    assert report.scores["dice"] == pytest.approx(read_summary(run.summary)["dice"], abs=1e-12)


def test_a_gpu_does_not_round_convolutions_while_it_scores() -> None:
    torch.backends.cudnn.allow_tf32 = True
    with exact_fp32():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_a_moved_run_scores_the_same_from_its_folder_alone(copied: RunFolder) -> None:
    report = evaluate(copied.path)
    assert report.scores["dice"] == pytest.approx(read_summary(copied.summary)["dice"], abs=1e-12)
    text = report.text()
    assert f"{report.scores['dice']:.6f}" in text and str(copied.path) in text


def change(run: RunFolder, **values: Any) -> None:
    config = OmegaConf.load(run.config)
    for key, value in values.items():
        OmegaConf.update(config, key.replace("__", "."), value)
    OmegaConf.save(config, run.config)


def test_scores_do_not_depend_on_the_batch_size(copied: RunFolder) -> None:
    reports = []
    for size in (1, 2, 4):
        change(copied, data__batch_size=size)
        reports.append(evaluate(copied.path, split="train"))
    assert len(reports[0].per_photo) == 6
    assert all(report.per_photo.equals(reports[0].per_photo) for report in reports)
    assert reports[0].scores == reports[2].scores


def test_photos_of_mixed_sizes_are_scored_at_their_own(copied: RunFolder, root: Path) -> None:
    for folder, suffix, way in (("valid", "jpg", 2), ("valid_mask", "png", 0)):
        path = root / folder / f"7.{suffix}"
        Image.open(path).resize((71, 33), way).save(path)
    report = evaluate(copied.path, root)
    assert report.per_photo["id"].tolist() == ["6", "7", "8"]
    truth = np.array(Image.open(root / "valid_mask" / "7.png")) > 0
    assert report.per_photo["foreground"][1] == pytest.approx(truth.mean())


def test_mirroring_changes_what_is_predicted(copied: RunFolder) -> None:
    plain = evaluate(copied.path)
    mirrored = evaluate(copied.path, tta=True)
    assert plain.scores != mirrored.scores
    change(copied, tta=True)
    assert evaluate(copied.path).scores == mirrored.scores


def test_a_run_whose_photos_have_changed_since_says_so(copied: RunFolder, root: Path) -> None:
    change(copied, data__root=str(root))
    assert "note" not in evaluate(copied.path).text()
    shutil.copy(root / "valid" / "6.jpg", root / "valid" / "7.jpg")
    report = evaluate(copied.path)
    assert "7 otherwise" in report.note and report.note in report.text()
    assert not evaluate(copied.path, root).note
    for path in (root / "valid" / "8.jpg", root / "valid_mask" / "8.png"):
        path.unlink()
    assert "8 not any more" in evaluate(copied.path).note


def test_a_threshold_is_taken_from_the_run_or_from_the_command(copied: RunFolder) -> None:
    assert evaluate(copied.path).threshold == 0.5
    low = evaluate(copied.path, threshold=0.01)
    assert low.threshold == 0.01 and low.scores["dice"] != low.scores["dice_at_half"]
    change(copied, threshold=0.01)
    assert evaluate(copied.path).scores == low.scores


def test_a_tuned_threshold_is_recorded_beside_the_dice_at_half(
    tmp_path: Path, train_run: Train, root: Path
) -> None:
    run = train_run(tmp_path / "run", "threshold=tune", "optimizer.lr=0.02")
    summary = read_summary(run.summary)
    assert 0.05 <= summary["threshold"] <= 0.95
    assert summary["dice"] >= summary["dice_at_half"]
    at = {t: evaluate(run.path, threshold=t).scores["dice"] for t in (0.3, 0.7)}
    assert summary["dice"] >= max(at.values())
    # The recorded one is used from then on: it is not tuned again on what it scores.
    update_summary(run.summary, threshold=0.123)
    for data in (None, root):
        assert evaluate(run.path, data).threshold == 0.123


def test_the_submission_keeps_the_order_of_the_template(
    root: Path, tmp_path: Path, train_run: Train
) -> None:
    template = root / TEMPLATE_NAME
    header, *lines = template.read_text().splitlines()
    template.write_text("\n".join([header, *lines[::-1]]) + "\n")
    run = train_run(tmp_path / "run", f"data.root={root}", "trainer.max_epochs=1")
    assert [row["id"] for row in rows(run.submission)] == ["8", "7", "6"]
    assert score_file(run.submission, root).dice == pytest.approx(
        read_summary(run.summary)["dice"], abs=1e-9
    )


def test_without_a_template_ids_are_sorted_naturally(root: Path, trained: RunFolder) -> None:
    (root / TEMPLATE_NAME).unlink()
    for folder, suffix in (("valid", "jpg"), ("valid_mask", "png")):
        (root / folder / f"6.{suffix}").rename(root / folder / f"60.{suffix}")
    _, config = load_segmenter(trained)
    assert submission_order(data_of(config, root)) == ["7", "8", "60"]


def test_a_template_about_other_photos_is_left_aside(root: Path, trained: RunFolder) -> None:
    """On a fold, the photos that validate are not those of the template."""
    _, config = load_segmenter(trained)
    config.data.root = str(root)
    config.data.fold = 0
    config.data.folds = 2
    order = submission_order(data_of(config))
    assert len(order) == 3 and set(order) < set("012345")


def test_masks_without_a_boundary_have_no_boundary_score(
    root: Path, tmp_path: Path, train_run: Train, recwarn: pytest.WarningsRecorder
) -> None:
    for path in (root / "valid_mask").iterdir():
        Image.fromarray(np.full((64, 48), 255, np.uint8)).save(path)
    run = train_run(tmp_path / "run", f"data.root={root}", "trainer.max_epochs=1")
    summary = read_summary(run.summary)
    assert summary["status"] == "finished" and summary["boundary_dice"] is None
    assert "boundary dice" in evaluate(run.path).text()
    assert not [each for each in recwarn if "empty slice" in str(each.message)]


def test_a_run_from_a_gpu_is_scored_without_one(copied: RunFolder) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    change(copied, trainer__accelerator="gpu")
    assert len(evaluate(copied.path).per_photo) == 3


def test_a_finished_run_can_be_resumed_to_write_its_files_again(
    copied: RunFolder, resume_run: Train
) -> None:
    """A run that is killed while it writes its files has all of its epochs."""
    before = copied.submission.read_bytes()
    copied.submission.unlink()
    resume_run(copied.path)
    assert copied.submission.read_bytes() == before
    summary = read_summary(copied.summary)
    assert summary["status"] == "finished" and summary["epochs"] == 2


def test_a_checkpoint_of_another_model_stops_a_resume_in_a_sentence(
    copied: RunFolder, resume_run: Train
) -> None:
    change(copied, model__decoder_channels=[6])
    with pytest.raises(HumansegError, match="another model"):
        resume_run(copied.path, "trainer.max_epochs=3")


def test_a_config_from_somebody_else_names_only_known_packages(copied: RunFolder) -> None:
    change(copied, loss={"_target_": "os.system", "command": "true"})
    with pytest.raises(HumansegError, match=r"os\.system"):
        load_predictor(copied)


def test_evaluating_says_how_far_it_is(trained: RunFolder) -> None:
    moves: list[tuple[int, int]] = []
    evaluate(trained.path, on_progress=lambda done, total: moves.append((done, total)))
    assert moves == [(1, 3), (2, 3), (3, 3)]


def test_sources_that_are_gone_are_named_as_left_out(
    copied: RunFolder, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more"
    shutil.copytree(root / "valid", more / "a" / "image")
    shutil.copytree(root / "valid_mask", more / "a" / "mask")
    change(copied, data__extra_root=str(more), data__extra_valid={"a": {"folder": "a"}})
    there = evaluate(copied.path)
    assert set(there.by_source) == {"a"} and there.left_out == ""
    other = evaluate(copied.path, root)
    assert not other.by_source and "--data" in other.left_out
    assert main(["evaluate", str(copied.path), "--data", str(root)]) == 0
    more.rename(tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["evaluate", str(copied.path)]) == 1
    said = capsys.readouterr().out
    assert all(word in said for word in ("left out", str(more), "data.extra_root"))
    # What could be scored is.
    assert f"{there.scores['dice']:.6f}" in said


def test_the_pages_have_the_command_that_makes_them_again(
    copied: RunFolder, tmp_path: Path
) -> None:
    evaluate(copied.path, tta=True, threshold=0.4, out=tmp_path / "out")
    page = (tmp_path / "out" / "valid.html").read_text(encoding="utf-8")
    assert "--split valid --tta --threshold=0.4 --out" in page
