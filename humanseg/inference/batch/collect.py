"""Which photos and videos somebody means, and where among the outputs each belongs."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.inference.batch.failures import InputFailure
from humanseg.inference.batch.input_files import (
    InputFile,
    absolute,
    assign_output_stems,
    common_folder,
)
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.search import (
    FOUND,
    RESULTS,
    SearchResult,
    inside,
    is_earlier_result,
    match,
    search,
)
from humanseg.inference.batch.stdin import (
    copy_stream,
    listed_paths,
    picture_suffix,
    with_suffix_of_content,
)
from humanseg.inference.inputs import is_address

STDIN = "-"
_SHOWN = 10


@dataclass
class CollectedInputs:
    """What somebody means."""

    # What is to be worked on.
    sources: list[InputFile] = field(default_factory=list)
    # What cannot be: folders that cannot be read, files whose results have no place.
    failures: list[InputFailure] = field(default_factory=list)
    # How many files of folders are no photos or videos, by kind.
    left_out: Counter[str] = field(default_factory=Counter)


def collect(
    words: Sequence[str], out: Path, spool: Callable[[], Path], read_stdin: Callable[[], bytes]
) -> CollectedInputs:
    """Find all photos and videos that somebody has named."""
    _require_there(words)
    found = CollectedInputs()
    sources: dict[Path, InputFile] = {}
    for word in words:
        if word == STDIN:
            named = list(_on_stdin(read_stdin(), out, spool, found))
        else:
            named = list(_named(word, out, spool, found))
        for source in named:
            sources.setdefault(Path(os.path.abspath(source.path)), source)
    if not sources and not found.failures:
        kinds = ", ".join(sorted(suffix[1:] for suffix in FOUND))
        if list(words) == [STDIN] and not found.left_out:
            raise HumansegError("Standard input is empty: give one path a line, or a photo.")
        left = f" Left out: {count_kinds(found.left_out)}." if found.left_out else ""
        raise HumansegError(
            f"No photos or videos in {_some(words)}: in folders, files with these suffixes are "
            f"taken: {kinds}.{left}"
        )
    found.sources, clashes = assign_output_stems(_without_results(list(sources.values()), found))
    found.failures += clashes
    return found


def count_kinds(left_out: Counter[str]) -> str:
    """Return counts by kind as a person reads them, the greatest first: ``.nef 10, .mkv 2``."""
    kinds = left_out.most_common()
    shown = [f"{kind} {count}" for kind, count in kinds[:_SHOWN]]
    rest = sum(count for _, count in kinds[_SHOWN:])
    return ", ".join(shown + ([f"and {rest} of {len(kinds) - _SHOWN} more kinds"] if rest else []))


def _require_there(words: Sequence[str]) -> None:
    # A file may be called [1].jpg: what exists is no pattern.
    missing = [
        word
        for word in words
        if word != STDIN
        and not os.path.exists(word)
        and not (glob.has_magic(word) and _is_matched(word))
    ]
    if ffmpeg_url := next(filter(is_address, missing), None):
        raise HumansegError(_said_of_address(ffmpeg_url))
    if missing:
        kinds = [word for word in missing if word.strip(",") in OUTPUTS]
        hint = f" Kinds of results are written --save a,{kinds[0]}." if kinds else ""
        raise HumansegError(
            f"There is no {_some(missing)}: name photos, folders, or patterns in quotes; - stands "
            f"for a list of paths, or a photo, on standard input.{hint}"
        )


def _named(
    word: str, out: Path, spool: Callable[[], Path], found: CollectedInputs
) -> Iterator[InputFile]:
    path = Path(word)
    if os.path.isdir(path):
        if os.path.realpath(path) == os.path.realpath(out):
            raise HumansegError(
                f"--out {out} is the folder of the photos itself: name another one, such as "
                f"{out / 'cut'}, so that results are not taken for photos the next time."
            )
        yield from (InputFile(each, _stem(each, path)) for each in _taken(search(path, out), found))
    elif os.path.exists(path) and _is_stream(path):
        yield InputFile(copy_stream(path, spool()), Path(path.stem), str(path))
    elif os.path.exists(path):
        yield InputFile(path, Path(path.stem))
    else:
        fixed = _fixed_part(path)
        contents = match(fixed, path.parts[len(fixed.parts) :], out)
        yield from (InputFile(each, _stem(each, fixed)) for each in _taken(contents, found))


def _said_of_address(word: str) -> str:
    return (
        f"{word} is an address, and nothing is fetched here: download it first, and name the file."
    )


def _is_matched(pattern: str) -> bool:
    return any(os.path.isfile(name) for name in glob.iglob(pattern, recursive=True))


def _taken(contents: SearchResult, found: CollectedInputs) -> list[Path]:
    """Return what a search has found, and keep what it could not use."""
    found.left_out += contents.left_out
    found.failures += contents.failures
    return contents.paths


def _is_stream(path: Path) -> bool:
    # /dev/stdin may be a file, but one that is not called after what it holds.
    return not path.is_file() or path.is_relative_to("/dev")


def _on_stdin(
    content: bytes, out: Path, spool: Callable[[], Path], found: CollectedInputs
) -> Iterator[InputFile]:
    if picture_suffix(content) is not None:
        file = spool() / "stdin"
        file.write_bytes(content)
        yield InputFile(
            with_suffix_of_content(file), Path("stdin"), "the picture on standard input"
        )
        return
    paths: list[Path] = []
    for word in listed_paths(content):
        path = Path(word)
        # Unlike pathlib, os.path has an answer to a name that is too long for the disk.
        if os.path.isdir(path):
            paths += _taken(search(path, out), found)
        elif os.path.exists(path) and not os.path.isfile(path):
            found.failures.append(InputFailure(path, f"{path} is no file, but a pipe or device."))
        elif is_address(word):
            found.failures.append(InputFailure(path, _said_of_address(word)))
        elif inside(path, out):
            found.left_out[RESULTS] += 1
        else:
            paths.append(path)
    common = common_folder([path.parent for path in paths])
    for path in paths:
        yield InputFile(path, Path(path.stem) if common is None else _stem(absolute(path), common))


def _without_results(sources: list[InputFile], found: CollectedInputs) -> list[InputFile]:
    """Leave out results of an earlier run that lie, or were named, among the photos."""
    results = {source for source in sources if is_earlier_result(source.path)}
    # Nothing but results: somebody means them.
    if len(results) == len(sources):
        return sources
    if results:
        found.left_out[RESULTS] += len(results)
    return [source for source in sources if source not in results]


def _stem(path: Path, below: Path) -> Path:
    return path.relative_to(below).with_suffix("")


def _fixed_part(pattern: Path) -> Path:
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _some(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}; and {len(names) - _SHOWN} more"
