"""Distillation: soft labels, their cache, and teachers that are refused."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig

from humanseg.errors import HumansegError, Refused
from humanseg.evaluation.data import common_size, data_of
from humanseg.evaluation.predictor import load_predictor
from humanseg.inference.named_model import NamedModel, find_model, resolve_model
from humanseg.io.files import file_sha256
from humanseg.models.onnx.run_file import load_network, write_onnx
from humanseg.runs import RunFolder, read_summary
from humanseg.training import distillation as teacher_module
from humanseg.training.distillation import find_teachers, predict_soft_labels
from humanseg.training.machine.hardware import choose_hardware
from humanseg.training.request import read_request
from humanseg.training.setup import TrainingSetup, setup

Compose = Callable[..., DictConfig]
Train = Callable[..., RunFolder]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the answers within the test."""
    folder = tmp_path / "caches"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def more(sample_root: Path, tmp_path: Path) -> Path:
    """Unlabelled photos: rotated train photos, and one of the valid photos."""
    from PIL import Image

    folder = tmp_path / "more"
    folder.mkdir()
    for number in range(4):
        with Image.open(sample_root / f"train/{number}.jpg") as photo:
            photo.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(folder / f"{number}.png")
    shutil.copy(sample_root / "valid/7.jpg", folder)
    return folder


def distilled(teacher: RunFolder, more: Path) -> tuple[str, str]:
    return f"distillation.teachers={teacher.path}", f"distillation.unlabelled_dir={more}"


def named(*runs: RunFolder) -> list[NamedModel]:
    return [resolve_model(run.path) for run in runs]


def prepared(compose: Compose, folder: Path, *overrides: str) -> TrainingSetup:
    return setup(read_request(compose(f"run_dir={folder}", *overrides)))


def epoch_of(one: TrainingSetup, epoch: int = 0) -> list:
    loader = one.photos.train_dataloader()
    loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
    return list(loader)


def test_answers_are_the_teachers_probabilities_mirrored_too(
    compose: Compose, trained: RunFolder
) -> None:
    photos = data_of(compose(f"distillation.teachers={trained.path}"))
    hardware = choose_hardware("cpu", "32-true")
    answers = predict_soft_labels(named(trained), photos, hardware)["train"]
    predictor, _ = load_predictor(trained, tta=True)
    for index in (0, 4):
        photo = torch.from_numpy(photos.split("train").photos[index][0].copy())
        expected = predictor(photo.permute(2, 0, 1)[None])[0]
        np.testing.assert_allclose(answers[index] / 255, expected, atol=0.003)


def test_teachers_are_asked_once_and_averaged(
    compose: Compose, trained: RunFolder, copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.load(copied.best, weights_only=True)
    state["state_dict"] = {key: value * 0.5 for key, value in state["state_dict"].items()}
    torch.save(state, copied.best)
    photos, hardware = data_of(compose()), choose_hardware("cpu", "32-true")
    both, one, other = (
        predict_soft_labels(named(*who), photos, hardware)["train"][3].astype(float)
        for who in ([trained, copied], [trained], [copied])
    )
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(both, (one + other) / 2, atol=1)
    monkeypatch.setattr(teacher_module, "load_predictor", None)  # asked again, it would fail
    again = predict_soft_labels(named(copied, trained), photos, hardware)["train"][3]
    np.testing.assert_array_equal(again, both)


def test_a_student_sees_photo_mask_and_answer_moved_alike(
    compose: Compose, trained: RunFolder, more: Path, tmp_path: Path
) -> None:
    taught = (
        f"distillation.teachers={trained.path}",
        f"distillation.unlabelled_dir={more}",
        "augmentation=robust",
    )
    one = prepared(compose, tmp_path / "run", *taught)
    batches = epoch_of(one)
    ids = [identity for batch in batches for identity in batch["id"]]
    assert sorted(ids) == sorted([*"012345", *(f"more/{number}.png" for number in range(4))])
    for batch in batches:
        assert batch["soft"].dtype == torch.uint8 and batch["soft"].shape == batch["mask"].shape
        assert set(batch["mask"].unique().tolist()) <= {0, 1}
    helped = prepared(compose, tmp_path / "run", *taught, "data.workers=2")
    for batch, same in zip(batches, epoch_of(helped), strict=True):
        assert batch["id"] == same["id"]
        assert all(torch.equal(batch[key], same[key]) for key in ("image", "mask", "soft"))


def test_a_mask_that_nobody_drew_is_the_teachers(
    compose: Compose, trained: RunFolder, more: Path, tmp_path: Path
) -> None:
    one = prepared(
        compose,
        tmp_path / "run",
        f"distillation.teachers={trained.path}",
        f"distillation.unlabelled_dir={more}",
        "augmentation=none",
    )
    for batch in epoch_of(one):
        for index, identity in enumerate(batch["id"]):
            agrees = torch.equal(batch["soft"][index] > 127, batch["mask"][index] == 1)
            assert agrees or "/" not in identity


def test_a_student_is_trained_and_resumed(
    trained: RunFolder, more: Path, tmp_path: Path, train_run: Train, resume_run: Train
) -> None:
    run = train_run(
        tmp_path / "student",
        f"distillation.teachers=[{trained.path},{trained.path}]",
        "distillation.weight=0.7",
        f"distillation.unlabelled_dir={more}",
    )
    summary = read_summary(run.summary)
    assert summary["status"] == "finished"
    assert summary["teacher"] == {
        "runs": [str(trained.path)] * 2,
        "unlabelled": 4,
        "copies": 1,
        "unsure": 0,
    }
    assert summary["data"] == read_summary(trained.summary)["data"], "judged by the same photos"
    # The teachers may be elsewhere now; others may not take their place.
    moved = shutil.copytree(trained.path, tmp_path / "moved teacher")
    named = f"distillation.teachers=['{moved}','{moved}']"
    assert resume_run(run.path, named, "trainer.max_epochs=3").best.exists()
    shutil.copy(run.best, moved / "checkpoints" / "best.ckpt")
    with pytest.raises(Refused, match="the content of distillation.teachers has changed"):
        resume_run(run.path, "trainer.max_epochs=4")
    shutil.copy(trained.best, moved / "checkpoints" / "best.ckpt")
    (more / "0.png").unlink()
    with pytest.raises(Refused, match="have changed"):
        resume_run(run.path, "trainer.max_epochs=4")


def test_photos_without_masks_need_a_teacher(compose: Compose, more: Path, tmp_path: Path) -> None:
    with pytest.raises(HumansegError, match="unlabelled_dir.*teachers=RUN"):
        prepared(compose, tmp_path / "run", f"distillation.unlabelled_dir={more}")


def test_a_broken_photo_without_a_mask_is_named(
    compose: Compose, trained: RunFolder, more: Path, tmp_path: Path
) -> None:
    (more / "2.png").write_bytes(b"no image")
    with pytest.raises(HumansegError, match=r"2\.png"):
        prepared(compose, tmp_path / "run", *distilled(trained, more))


def test_a_teacher_must_be_a_finished_model(compose: Compose, copied: RunFolder) -> None:
    with pytest.raises(HumansegError, match="nowhere"):
        find_teachers(compose("distillation.teachers=nowhere"))
    copied.best.unlink()
    copied.onnx.unlink(missing_ok=True)
    with pytest.raises(
        HumansegError, match=f"best.ckpt any more.*name {copied.last} instead"
    ) as caught:
        find_teachers(compose(f"distillation.teachers={copied.path}"))
    assert caught.value.code == "runs.no_checkpoint"


def test_an_exported_model_teaches_what_its_run_teaches(
    compose: Compose, trained: RunFolder, tmp_path: Path
) -> None:
    photos, hardware = data_of(compose()), choose_hardware("cpu", "32-true")
    exported = tmp_path / "model.onnx"
    write_onnx(load_network(trained, threshold=0.5), common_size(photos), exported)
    of_run, of_file, of_both = (
        predict_soft_labels(
            find_teachers(compose(f"distillation.teachers={named}")), photos, hardware
        )["train"][2].astype(float)
        for named in (trained.path, exported, f"[{trained.path},{exported}]")
    )
    assert of_run.std() > 0
    np.testing.assert_allclose(of_file, of_run, atol=1)
    np.testing.assert_allclose(of_both, of_run, atol=1)


def test_a_teacher_may_be_asked_about_the_own_photos_alone(
    compose: Compose, trained: RunFolder, sample_root: Path, tmp_path: Path
) -> None:
    for folder, of in (("image", "train"), ("mask", "train_mask")):
        (tmp_path / "other" / folder).mkdir(parents=True)
        for photo in (sample_root / of).iterdir():
            shutil.copy(photo, tmp_path / "other" / folder / f"b_{photo.name}")
    words = (
        f"distillation.teachers={trained.path}",
        f"++data.extra={{b: {{folder: {tmp_path / 'other'}}}}}",
        "augmentation=none",
    )
    one = prepared(compose, tmp_path / "one", *words, "distillation.extra=false")
    for batch in epoch_of(one):
        for id, mask, soft in zip(batch["id"], batch["mask"], batch["soft"], strict=True):
            assert torch.equal(soft, mask * 255) == id.startswith("b/")
    both = prepared(compose, tmp_path / "both", *words)
    for batch in epoch_of(both):
        assert not torch.equal(batch["soft"], batch["mask"] * 255)


def test_a_bundled_model_teaches_by_its_name(more: Path, tmp_path: Path, train_run: Train) -> None:
    run = train_run(
        tmp_path / "student",
        "distillation.teachers=robust_tiny",
        f"distillation.unlabelled_dir={more}",
    )
    summary = read_summary(run.summary)
    bundled = find_model("robust_tiny")
    assert summary["teacher"]["runs"] == ["robust_tiny"] and summary["teacher"]["unlabelled"] == 4
    assert summary["sources"]["distillation.teachers"] == [file_sha256(bundled)]


def test_a_folder_of_that_name_comes_before_a_bundled_model(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = f"run_dir={tmp_path / 'run'}", "distillation.teachers=[best,robust]"
    assert list(read_request(compose(*named)).config.distillation.teachers) == ["best", "robust"]
    (tmp_path / "best").mkdir()
    assert list(read_request(compose(*named)).config.distillation.teachers) == [
        str(tmp_path / "best"),
        "robust",
    ]


def test_an_exported_model_teaches_no_fold(compose: Compose) -> None:
    with pytest.raises(Refused, match="exported model.*fold 1"):
        find_teachers(compose("distillation.teachers=best", "data.fold=1", "data.folds=3"))


def test_a_teacher_must_not_know_what_its_student_is_judged_by(
    compose: Compose, trained: RunFolder
) -> None:
    with pytest.raises(Refused, match=r"data\.fold=None of 5.*fold 1 of 3"):
        find_teachers(
            compose(f"distillation.teachers={trained.path}", "data.fold=1", "data.folds=3")
        )


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_an_impossible_weight_is_named(compose: Compose, tmp_path: Path, weight: float) -> None:
    with pytest.raises(HumansegError, match=f"distillation.weight: {weight} is not a number"):
        prepared(compose, tmp_path / "run", f"distillation.weight={weight}")
