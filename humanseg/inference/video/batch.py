"""Several videos, one after the other: what is left to do, and what could not be used."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from humanseg.errors import HumansegError
from humanseg.inference.batch.failures import require_writable
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.places import Source
from humanseg.inference.batch.plan import Batch, Outcome, Target
from humanseg.inference.batch.process import cut_picture
from humanseg.inference.batch.provenance import Fingerprint, State
from humanseg.inference.video.comment import read_film_comment
from humanseg.inference.video.convert import Converted, Film, convert_video, plan_film

_TRANSPARENT = ("cutout",)


def predict_videos(
    batch: Batch,
    sources: Iterable[Source],
    smooth: float,
    on_frame: Callable[[Source, float, float | None], None],
) -> Iterator[Outcome]:
    """Work on videos, one at a time.

    Parameters
    ----------
    batch
        What to make of them, as of `predict_photos`; its model is best with all the processor's
        cores for one picture.
    sources
        The videos.
    smooth
        Strength against flicker.
    on_frame
        Called after each picture with the video, the seconds of it that are done, and of the whole
        where that is known.

    Yields
    ------
    Outcome
        One for each video.

    Raises
    ------
    HumansegError
        The films cannot be written or the model cannot be loaded: a reason that holds for all.
    """
    require_writable(batch.destination.folder)
    batch = replace(batch, extra={"temporal_smoothing": smooth} if smooth else {})
    for source in sources:
        try:
            fingerprint = Fingerprint(source.path, named=not source.stream)
            films = {kind: _film(batch, source, kind) for kind in batch.wish.kinds}
            targets = _targets(batch, films, fingerprint)
        except Exception as error:
            yield Outcome(source, failure=source.failure(error))
            continue
        to_make = [each for each in targets if each.is_to_be_made(batch.overwrite)]
        outcome = Outcome.of(source, targets, to_make)
        if to_make:
            # Not one video's trouble: without a model there is no other.
            batch.load()
            try:
                made = [_marked(batch, each, films[each.kind], fingerprint) for each in to_make]
                done = _convert(batch, source, made, smooth, partial(on_frame, source))
                outcome = replace(outcome, frames=done.pictures, notes=done.notes)
            except Exception as error:
                outcome = replace(outcome, made=0, again=())
                # Another process may have put the same there meanwhile.
                if not isinstance(error.__cause__, FileExistsError) or not _are_there(
                    _targets(batch, films, fingerprint)
                ):
                    outcome = replace(outcome, failure=source.failure(error))
        yield outcome


def _targets(batch: Batch, films: Mapping[str, Film], source: Fingerprint) -> list[Target]:
    return [
        batch.target(film.path, kind, source, read_film_comment) for kind, film in films.items()
    ]


def _are_there(targets: Iterable[Target]) -> bool:
    return all(target.state is State.CURRENT for target in targets)


def _film(batch: Batch, source: Source, kind: str) -> Film:
    _, draw = OUTPUTS[kind]
    transparent = kind in _TRANSPARENT
    file = batch.destination.file
    if file is None:
        # Named like the output of a photo, but for the suffix.
        stem = batch.destination.path(source.place, kind).with_suffix("")
        return plan_film(source.path, stem, draw, transparent=transparent)
    film = plan_film(file, file.with_suffix(""), draw, transparent=transparent)
    if film.path != file:
        raise HumansegError(
            f"{source.path}: a {kind} cannot be kept in {file.name}; {film.path.name} can hold it."
        )
    return film


def _marked(batch: Batch, target: Target, film: Film, fingerprint: Fingerprint) -> Film:
    comment = batch.comment(target.kind, fingerprint, person=True)
    is_new = target.state is State.MISSING
    return replace(film, comment=comment, replace=batch.overwrite or not is_new)


def _convert(
    batch: Batch,
    source: Source,
    films: Iterable[Film],
    smooth: float,
    on_frame: Callable[[float, float | None], None],
) -> Converted:
    model, wish = batch.load(), batch.wish
    return convert_video(
        source.path,
        tuple(films),
        model,
        lambda photo, probability, visible: cut_picture(model, photo, probability, wish, visible),
        smooth=smooth,
        tta=wish.tta,
        on_frame=on_frame,
    )
