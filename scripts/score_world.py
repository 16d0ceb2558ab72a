"""Score runs on the synthetic-shift benchmark: transformed versions of their valid photos.

Every shift is computed from photos and masks alone, and is the same each time: closer crops, small
people, other backgrounds, landscape frames, more people, and effects of cameras. Prints the mean
Dice per photo for each run and shift, at threshold 0.5. Only scores of one data set compare.
"""

import argparse
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from humanseg.data.labelled_photo import DrawPhoto, LabelledPhoto, Pixels
from humanseg.data.splits import DatasetSplits
from humanseg.data.transforms.augmentation import sample_seed
from humanseg.data.transforms.copy_paste import compose_background, placement
from humanseg.data.transforms.copy_paste_pixels import light, paste, warp
from humanseg.data.transforms.resize import scale_to
from humanseg.errors import HumansegError, says_errors
from humanseg.evaluation.data import data_of
from humanseg.evaluation.predictor import load_predictor
from humanseg.io.tables import write_table
from humanseg.metrics.scores import dice
from humanseg.runs import open_run

Shift = Callable[[LabelledPhoto, DrawPhoto, Generator], LabelledPhoto]
Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities (N, H, W) of photos uint8 (N, H, W, 3)."""

_BATCH = 8


def as_it_is(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Return the photo unchanged, as `humanseg evaluate` scores it."""
    return picture


def closer(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Crop to 1 / 1.5 to 1 / 2.5 of height and width, around a place on the person."""
    zoom = generator.uniform(1.5, 2.5)
    person = np.argwhere(picture.mask)
    middle = person[generator.integers(len(person))] if len(person) else np.zeros(2)
    size = [max(1, round(side / zoom)) for side in picture.size]
    top, left = (
        int(np.clip(at - length // 2, 0, side - length))
        for at, length, side in zip(middle, size, picture.size, strict=True)
    )
    window = picture.map(lambda layer: layer[top : top + size[0], left : left + size[1]])
    return scale_to(window.contiguous(), picture.size)


def elsewhere(
    picture: LabelledPhoto,
    others: DrawPhoto,
    generator: Generator,
    scales: tuple[float, float],
    size: tuple[int, int] | None = None,
) -> LabelledPhoto:
    """Paste the person on a background made of other photos, in a frame of any size."""
    frame = size or picture.size
    scene = compose_background(others, frame, generator)
    place = placement(picture, frame, generator.uniform(*scales), generator)
    return _pasted(scene, warp(picture, place, frame))


def small(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Show the person at 0.3 to 0.6 of the size, on another background."""
    return elsewhere(picture, others, generator, (0.3, 0.6))


def background(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Show the person at about the same size, on another background."""
    return elsewhere(picture, others, generator, (0.9, 1.1))


def landscape(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Show the person in a landscape frame."""
    return elsewhere(picture, others, generator, (0.7, 1.2), picture.size[::-1])


def company(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Paste two more people behind the person."""
    for _ in range(2):
        other = others(generator)
        place = placement(other, picture.size, generator.uniform(0.6, 1), generator)
        picture = _pasted(picture, warp(other, place, picture.size), behind=True)
    return picture


def _pasted(scene: LabelledPhoto, person: LabelledPhoto, behind: bool = False) -> LabelledPhoto:
    # The black around a moved photo counts as its background here, unlike in training: with it all
    # scores of this benchmark were taken.
    return paste(scene, person._replace(photo=light(person, scene, 0.5)), 0.7, behind)


def colour(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Change tint, brightness and gamma strongly."""
    factors, gamma = generator.uniform(0.6, 1.4, 3), generator.choice([0.5, 1.8])
    levels = (np.arange(256)[:, None] / 255) ** gamma * factors * 255
    table = np.clip(levels, 0, 255).astype(np.uint8)[None]
    return picture._replace(photo=np.asarray(cv2.LUT(picture.photo, table), np.uint8))


def blur(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Blur the photo, as out of focus."""
    width = generator.uniform(1, 2.5)
    photo = np.asarray(cv2.GaussianBlur(picture.photo, (0, 0), width), np.uint8)
    return picture._replace(photo=photo)


def noise(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Add the noise of a dark room."""
    grain = generator.normal(0, generator.uniform(10, 30), picture.photo.shape)
    return picture._replace(photo=np.clip(picture.photo + grain, 0, 255).astype(np.uint8))


def jpeg(picture: LabelledPhoto, others: DrawPhoto, generator: Generator) -> LabelledPhoto:
    """Compress at half the size, to qualities of 10 to 30."""
    height, width = picture.size
    half = cv2.resize(picture.photo, (max(1, width // 2), max(1, height // 2)), interpolation=3)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(10, 31))]
    _, encoded = cv2.imencode(".jpg", half, quality)
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    photo = np.asarray(cv2.resize(decoded, (width, height)), np.uint8)
    return picture._replace(photo=photo)


SHIFTS: Mapping[str, Shift] = {
    "plain": as_it_is,
    "closer": closer,
    "small": small,
    "background": background,
    "landscape": landscape,
    "company": company,
    "colour": colour,
    "blur": blur,
    "noise": noise,
    "jpeg": jpeg,
}


def shifted(
    name: str, ids: Sequence[str], pictures: Sequence[LabelledPhoto]
) -> Iterator[LabelledPhoto]:
    """Make the shifted version of every photo; it follows from the ids and the photos alone."""

    def other(generator: Generator) -> LabelledPhoto:
        return pictures[int(generator.integers(len(pictures)))]

    for identity, picture in zip(ids, pictures, strict=True):
        seed = sample_seed(0, list(SHIFTS).index(name), identity)
        yield SHIFTS[name](picture, other, np.random.default_rng(seed))


def score(predict: Predict, pictures: Sequence[LabelledPhoto]) -> float:
    """Return the mean Dice per photo at threshold 0.5."""
    found = []
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH]
        # One by one where the sizes differ.
        groups = [batch] if len({item.size for item in batch}) == 1 else [[item] for item in batch]
        for group in groups:
            probabilities = predict(np.stack([item.photo for item in group]))
            found += [
                dice(probability > 0.5, item.mask)
                for probability, item in zip(probabilities, group, strict=True)
            ]
    return float(np.mean(found))


def predictor(run: Path, tta: bool) -> Predict:
    """Load the best checkpoint of a run, or an exported ONNX file, to predict with."""
    if run.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(run), providers=["CPUExecutionProvider"])
        return lambda photos: np.asarray(
            session.run(["probability"], {"photo": _channels_first(photos)})[0], np.float32
        )[:, 0]
    predict, _ = load_predictor(open_run(run), tta=tta)
    return lambda photos: predict(torch.from_numpy(_channels_first(photos)))


def mediapipe() -> dict[str, Predict]:
    """Open MediaPipe's selfie models, as the benchmark of inference does."""
    benchmark = runpy.run_path(str(Path(__file__).with_name("benchmark_inference.py")))

    def asked(segment: Callable[[Pixels], NDArray[np.bool_]]) -> Predict:
        return lambda photos: np.stack([segment(photo) for photo in photos]).astype(np.float32)

    contenders = benchmark["mediapipe"](benchmark["CACHE"], 1)
    return {contender.name: asked(contender.segment) for contender in contenders}


def _channels_first(photos: Pixels) -> Pixels:
    return np.ascontiguousarray(photos.transpose(0, 3, 1, 2))


def valid_pictures(run: Path | None, data: Path | None) -> tuple[list[str], list[LabelledPhoto]]:
    """Read the valid photos of a run, or of a data folder, with their masks."""
    if run is not None:
        _, config = load_predictor(open_run(run))
        split = data_of(config, data).splits.at_original_size("valid")
    elif data is not None:
        split = DatasetSplits(data).split("valid")
    else:
        raise HumansegError("A model file has no photos: give --data ROOT, or name a run first.")
    found = [split.photos[index] for index in range(len(split.photos))]
    return split.ids, [LabelledPhoto(photo, mask) for photo, mask in found if mask is not None]


def table(names: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    """Lay scores out in columns, with the mean of all shifts but `plain` at the end."""
    shifts = [at for at, name in enumerate(names) if name != "plain"]
    wide = max(map(len, rows))
    lines = [" ".join([" " * wide, *(f"{name:>10}" for name in names), f"{'world':>10}"])]
    for run, scores in rows.items():
        world = np.mean([scores[at] for at in shifts]) if shifts else float("nan")
        lines.append(" ".join([f"{run:<{wide}}", *(f"{one:10.4f}" for one in [*scores, world])]))
    return "\n".join(lines)


def score_runs(arguments: argparse.Namespace) -> tuple[str, dict[str, list[float]]]:
    """Score what the command line names: a heading, and each model's scores by shift."""
    names = arguments.shifts or list(SHIFTS)
    runs = [path for path in arguments.runs if path.suffix != ".onnx"]
    ids, pictures = valid_pictures(runs[0] if runs else None, arguments.data)
    count = min(arguments.limit or len(ids), len(ids))
    kept = np.linspace(0, len(ids) - 1, count).round().astype(int)
    predictors = {str(path): predictor(path, arguments.tta) for path in arguments.runs}
    if arguments.mediapipe:
        predictors |= mediapipe()
    rows: dict[str, list[float]] = {model: [] for model in predictors}
    for name in names:
        scenes = list(shifted(name, ids, pictures))
        for model, predict in predictors.items():
            rows[model].append(score(predict, [scenes[at] for at in kept]))
    return f"{len(kept)} photos\n{table(names, rows)}", rows


def write_csv(path: Path, names: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    """Write scores as the report reads them: a row per model, by the name of its folder or file."""
    lines = [
        [Path(model).name, *(round(item, 6) for item in scores)] for model, scores in rows.items()
    ]
    write_table(path, pd.DataFrame(lines, columns=["model", *names]))


@says_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0; 2 when the person must change something, which is then said.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run's folder, or an exported .onnx"
    )
    parser.add_argument("--data", type=Path, metavar="ROOT", help="the data; else the first run's")
    parser.add_argument("--shifts", nargs="+", choices=SHIFTS, help="default: all")
    parser.add_argument("--limit", type=int, metavar="N", help="about N of the photos, spread out")
    parser.add_argument("--tta", action="store_true", help="average with the mirrored photo")
    parser.add_argument(
        "--mediapipe",
        action="store_true",
        help="MediaPipe's selfie models, too; needs npm and pip install ai-edge-litert",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the scores there, too")
    chosen = parser.parse_args(arguments)
    printed, rows = score_runs(chosen)
    print(printed)
    if chosen.csv is not None:
        write_csv(chosen.csv, chosen.shifts or list(SHIFTS), rows)
        print(chosen.csv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
