"""Load a model and predict with it; what is heavy is imported inside."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from humanseg.inference import Model
    from humanseg.inference.predict import Predictions, Progress
    from humanseg.inference.providers import Provider

    AnyPath = str | PathLike[str]


def load(
    path: "AnyPath | None" = None,
    threads: int | None = None,
    providers: "Provider | Sequence[Provider] | None" = None,
) -> "Model":
    """Load a model that cuts people out of photos.

    torch is needed only for a checkpoint that has no ONNX file yet: one that is not the best of
    its run, or one of a version before 0.2. It is converted once, and kept in the cache.

    Parameters
    ----------
    path
        A bundled model's name, such as ``"best"`` or ``"tiny"``; a run's folder; the folder that
        `humanseg export` wrote; an `.onnx` file; or a checkpoint of a run. If a file and a
        bundled model have the same name, the file is used. None: the bundled model for photos.
    threads
        How many processor cores one photo may use; None: all.
    providers
        The devices of onnxruntime, the preferred first: "cuda", "coreml", "directml", "openvino"
        or others that the installed onnxruntime supports, or its own names and options, as in
        ``[("CUDAExecutionProvider", {"device_id": 1})]``. None: the CPU.

    Returns
    -------
    Model
        Call it with a photo: an array, a path, the bytes of a file, an open file or a PIL
        image. It returns the mask, uint8 (H, W) in {0, 1}, at the photo's size.

    Raises
    ------
    HumansegError
        There is no such file, it is not a model that humanseg can use, or a provider does not
        start.
    """
    from humanseg.exporting.as_onnx import as_onnx
    from humanseg.inference import load_model

    return load_model(as_onnx(path), threads, providers)


def predict(
    paths: "AnyPath | Sequence[AnyPath]",
    out: "AnyPath" = "predictions",
    *,
    model: "AnyPath | None" = None,
    save: "Sequence[str]" = (),
    background: "AnyPath | tuple[int, int, int] | None" = None,
    threshold: float | None = None,
    tta: bool = False,
    min_area: float = 0.0,
    keep_largest: bool = False,
    fill_holes: bool = False,
    temporal_smoothing: float | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    on_progress: "Progress | None" = None,
) -> "Predictions":
    """Write masks, cut-outs or new backgrounds for photos and videos, as `humanseg predict` does.

    Parameters
    ----------
    paths
        Photos, videos, folders and patterns such as ``photos/**/*.jpg``; one, or several.
    out
        The folder of the results; or the file of the only one, by a suffix such as ``.png``.
        Results that exist with the same options are kept.
    model
        As `path` of `load`.
    save
        One or some of ``"mask"``, ``"cutout"``, ``"overlay"`` and ``"probability"``. Empty: the
        mask, or with a `background` only that.
    background
        A colour, the path of a picture, or ``"blur:15"``: what to put the people before, as
        `Model.composite` takes it.
    threshold
        The probability in (0, 1) above which a pixel is person; None: the model's own.
    tta
        Whether to average with the mirrored photo.
    min_area
        Remove components that cover less than this share of the photo, in [0, 1).
    keep_largest
        Whether to keep the largest component only.
    fill_holes
        Whether to fill holes inside people.
    temporal_smoothing
        In [0, 1): the weight of earlier frames where nothing moves in a video; None: 0.8.
    overwrite
        Whether to replace existing results, also those of other photos.
    threads
        How many processor cores to use; None: all.
    on_progress
        Called with the number of inputs that are done, and the number of all.

    Returns
    -------
    Predictions
        `paths` of the results, and an outcome for each photo. Photos that could not be used are
        in `failures`; they do not stop the others.

    Raises
    ------
    HumansegError
        Nothing is found, the model cannot be used, or the results cannot be written.
    """
    from os import PathLike, fspath

    from humanseg.api.options import as_path, require_in_range
    from humanseg.exporting.as_onnx import as_onnx
    from humanseg.inference.predict import output_options, predict_files

    require_in_range(
        threshold=threshold,
        min_area=min_area,
        temporal_smoothing=temporal_smoothing,
        threads=threads,
    )
    several = [paths] if isinstance(paths, str | PathLike) else paths
    options = output_options(
        save,
        background,
        threshold=threshold,
        tta=tta,
        min_area=min_area,
        keep_largest=keep_largest,
        fill_holes=fill_holes,
    )
    return predict_files(
        [fspath(path) for path in several],
        as_path("out", out),
        options,
        model=None if model is None else as_onnx(model),
        temporal_smoothing=temporal_smoothing,
        overwrite=overwrite,
        threads=threads,
        on_progress=on_progress,
    )
