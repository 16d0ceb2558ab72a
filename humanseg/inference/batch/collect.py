"""Collects the photos and videos that arguments name, with the names of their results."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.inference.batch.failures import InputFailure, ignores_case
from humanseg.inference.batch.input_files import (
    InputFile,
    absolute,
    assign_output_stems,
    common_folder,
)
from humanseg.inference.batch.outputs import OUTPUTS
from humanseg.inference.batch.search import (
    INPUT_SUFFIXES,
    RESULTS,
    CollectedInputs,
    is_earlier_result,
    is_output,
    match,
    search,
)
from humanseg.inference.batch.stdin import (
    copy_stream,
    listed_paths,
    media_suffix,
    with_suffix_of_content,
)
from humanseg.inference.inputs import is_address

STDIN = "-"
_SHOWN = 10


def collect(
    words: Sequence[str], out: Path, spool: Callable[[], Path], read_stdin: Callable[[], bytes]
) -> CollectedInputs:
    """Find all photos and videos that a person has named, each once, in the order named.

    Words are files, folders, patterns such as ``photos/**/*.jpg``, and ``-`` for standard input: a
    list of paths, or a picture. What is in `out` is no input; `spool` returns a folder for copies
    of what comes through pipes. The structure of a folder is kept below the folder, that of a
    pattern below its fixed part, that of a list below the folder that its files have in common.
    """
    if not words or "" in words:
        raise HumansegError(
            f"{'A path is empty' if words else 'There is no path'}: name photos, videos, folders, "
            "or patterns in quotes; . is this folder.",
            code="inference.no_input",
        )
    _require_existing(words)
    collected = CollectedInputs()
    inputs: dict[Path, InputFile] = {}
    for word in words:
        if word == STDIN:
            named = _from_stdin(read_stdin(), out, spool, collected)
        else:
            named = _from_word(word, out, spool, collected)
        for source in named:
            inputs.setdefault(Path(os.path.abspath(source.path)), source)
    if not inputs and not collected.failures:
        raise _nothing_found(words, collected.left_out)
    results = {source for source in inputs.values() if is_earlier_result(source.path)}
    # Nothing but results of an earlier run: then they are meant.
    if 0 < len(results) < len(inputs):
        collected.left_out[RESULTS] += len(results)
        inputs = {path: source for path, source in inputs.items() if source not in results}
    names = {str(source.stem).casefold() for source in inputs.values()}
    # Asked only where it matters: a file is written for the answer.
    ignore_case = len(names) < len(inputs) and ignores_case(out)
    collected.inputs, clashes = assign_output_stems(inputs.values(), ignore_case)
    collected.failures += clashes
    return collected


def count_kinds(left_out: Counter[str]) -> str:
    """Return counts by kind, the greatest first: ``.nef 10, .mkv 2``."""
    kinds = left_out.most_common()
    shown = [f"{kind} {count}" for kind, count in kinds[:_SHOWN]]
    rest = sum(count for _, count in kinds[_SHOWN:])
    return ", ".join(shown + ([f"and {rest} of {len(kinds) - _SHOWN} more kinds"] if rest else []))


def _nothing_found(words: Sequence[str], left_out: Counter[str]) -> HumansegError:
    if list(words) == [STDIN] and not left_out:
        message = "Standard input is empty: give one path a line, or a photo."
    else:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in INPUT_SUFFIXES))
        rest = f" Left out: {count_kinds(left_out)}." if left_out else ""
        message = (
            f"No photos or videos in {_some(words)}: in folders, files with these suffixes are "
            f"taken: {suffixes}.{rest}"
        )
    return HumansegError(message, code="inference.no_input")


def _require_existing(words: Sequence[str]) -> None:
    # A file may be called [1].jpg: what exists is no pattern.
    missing = [
        word
        for word in words
        if word != STDIN
        and not os.path.exists(word)
        and not (glob.has_magic(word) and _has_match(word))
    ]
    if address := next(filter(is_address, missing), None):
        raise HumansegError(_explain_address(address), code="inference.address")
    if missing:
        kinds = [word for word in missing if word.strip(",") in OUTPUTS]
        hint = f" Kinds of results are written --save a,{kinds[0]}." if kinds else ""
        if '"' in "".join(missing):
            # "C:\photos\" -o cut: all of it is one word.
            hint = ' On Windows, leave out the \\ in front of a closing ".'
        raise HumansegError(
            f"There is no {_some(missing)}: name photos, folders, or patterns in quotes; - stands "
            f"for a list of paths, or a photo, on standard input.{hint}",
            code="inference.missing_input",
        )


def _from_word(
    word: str, out: Path, spool: Callable[[], Path], collected: CollectedInputs
) -> Iterator[InputFile]:
    path = Path(word)
    if os.path.isdir(path):
        if os.path.realpath(path) == os.path.realpath(out):
            raise HumansegError(
                f"--out {out} is the folder of the photos itself: name another one, such as "
                f"{out / 'cut'}, so that results are not taken for photos the next time.",
                code="inference.output_among_inputs",
            )
        for file in search(path, out, collected):
            yield InputFile(file, _stem(file, path))
    elif os.path.exists(path) and not _is_named_file(path):
        yield InputFile(copy_stream(path, spool()), Path(path.stem), str(path))
    elif os.path.exists(path):
        yield InputFile(path, Path(path.stem))
    else:
        fixed = _fixed_part(path)
        for file in match(fixed, path.parts[len(fixed.parts) :], out, collected):
            yield InputFile(file, _stem(file, fixed))


def _is_named_file(path: Path) -> bool:
    # /dev/stdin may be a file, but its name does not say what it holds; /dev/shm/1.jpg does.
    in_devices = path.is_relative_to("/dev") and path.suffix.lower() not in INPUT_SUFFIXES
    return path.is_file() and not in_devices


def _explain_address(word: str) -> str:
    return (
        f"{word} is an address, and nothing is fetched here: download it first, and name the file."
    )


def _has_match(pattern: str) -> bool:
    return any(os.path.isfile(name) for name in glob.iglob(pattern, recursive=True))


def _from_stdin(
    content: bytes, out: Path, spool: Callable[[], Path], collected: CollectedInputs
) -> Iterator[InputFile]:
    if media_suffix(content) is not None:
        file = spool() / "stdin"
        file.write_bytes(content)
        copy = with_suffix_of_content(file)
        yield InputFile(copy, Path("stdin"), "the picture on standard input")
        return
    paths: list[Path] = []
    words = listed_paths(content)
    # Unlike pathlib, os.path has an answer to a name that is too long for the disk.
    folders = [word if os.path.isdir(word) else os.path.dirname(word) for word in words]
    around = common_folder(list(map(Path, folders)))
    for word in words:
        path = Path(word)
        if is_address(word):
            failure = InputFailure(path, _explain_address(word), "inference.address")
            collected.failures.append(failure)
        elif is_output(path, around, out):
            collected.left_out[RESULTS] += 1
        elif os.path.isdir(path):
            paths += search(path, out, collected)
        elif os.path.exists(path) and not os.path.isfile(path):
            reason = f"{path} is no file, but a pipe or device."
            collected.failures.append(InputFailure(path, reason, "inference.not_a_file"))
        else:
            paths.append(path)
    common = common_folder([path.parent for path in paths])
    for path in paths:
        yield InputFile(path, Path(path.stem) if common is None else _stem(absolute(path), common))


def _stem(path: Path, folder: Path) -> Path:
    return path.relative_to(folder).with_suffix("")


def _fixed_part(pattern: Path) -> Path:
    """Return the folder before the first part with a wildcard."""
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _some(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}; and {len(names) - _SHOWN} more"
