"""Run-length encoding of masks: "start length" pairs, counted from 1, row by row."""

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Above this many digits a number is past the end of any mask.
_MOST_DIGITS = 18


class RleError(ValueError):
    """A text is not the run-length encoding of a mask; the message says why."""


def as_bool(mask: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask of shape (H, W) as booleans.

    Raises
    ------
    ValueError
        `mask` is not two-dimensional, or holds another value than 0 and 1.
    """
    array = np.asarray(mask)
    if array.ndim != 2:
        raise ValueError(f"a mask has shape (H, W), not {array.shape}")
    if array.dtype == bool:
        return array
    result = array == 1
    if not np.all(result | (array == 0)):
        raise ValueError("a mask holds only 0 and 1 (or False and True)")
    return result


def encode_rle(mask: ArrayLike) -> str:
    """Encode a mask as "start length" pairs.

    Parameters
    ----------
    mask : array_like, shape (H, W)
        Booleans, or numbers that are all 0 or 1.

    Returns
    -------
    str
        Starts count from 1, row by row from the top left. An empty mask gives the empty text,
        a full one "1 N" with N = H·W.

    Raises
    ------
    ValueError
        `mask` is not two-dimensional, or holds another value than 0 and 1.
    """
    flat = as_bool(mask).ravel()
    padded = np.zeros(flat.size + 2, bool)
    padded[1:-1] = flat
    # Positions where the value changes, starts and ends in turn.
    turns = np.flatnonzero(padded[1:] != padded[:-1]) + 1
    turns[1::2] -= turns[::2]
    return " ".join(map(str, turns.tolist()))


def decode_rle(rle: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Decode "start length" pairs to a mask.

    Parameters
    ----------
    rle
        As `encode_rle` writes it; any white space separates numbers.
    shape
        (H, W) of the mask.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)

    Raises
    ------
    RleError
        A word is not a whole number, a length is missing, a start or length is below 1, runs
        overlap or do not ascend, or a run goes past the end. Runs that touch are allowed.
    """
    numbers = _numbers(rle)
    height, width = shape
    size = height * width
    starts, lengths = numbers[::2], numbers[1::2]
    ends = starts + lengths - 1
    in_order = np.all(starts[1:] > ends[:-1]) and np.all(lengths >= 1)
    if numbers.size and not (starts[0] >= 1 and in_order and ends[-1] <= size):
        raise RleError(_first_fault(starts.tolist(), lengths.tolist(), height, width))
    turns = np.zeros(size + 1, np.int8)
    # Two steps: a run may end where the next one starts.
    turns[starts - 1] += 1
    turns[ends] -= 1
    return turns[:-1].cumsum(dtype=np.int8).astype(bool).reshape(shape)


def _numbers(rle: str) -> NDArray[np.int64]:
    words = rle.split()
    together = "".join(words)
    plain = together.isascii() and together.isdigit()
    if plain and max(map(len, words)) <= _MOST_DIGITS:
        numbers = list(map(int, words))
    else:
        numbers = [_whole_number(word) for word in words]
    if len(numbers) % 2:
        raise RleError(
            f"it holds an odd number of numbers, {len(numbers)}: the last start has no length"
        )
    return np.array(numbers, np.int64)


def _first_fault(starts: list[int], lengths: list[int], height: int, width: int) -> str:
    end = 0
    for start, length in zip(starts, lengths, strict=True):
        if start < 1:
            return f"the start {start} is below 1: starts count from 1"
        if length < 1:
            return f"the run at {start} has length {length}: it must be 1 or more"
        if start <= end:
            return (
                f"the run at {start} starts before the end of the one before it, at {end}: "
                "starts must ascend and runs must not overlap"
            )
        end = start + length - 1
        if end > height * width:
            break
    return (
        f"the run at {start} ends at {end}, past the end of the mask, which has "
        f"{height}×{width} = {height * width} pixels"
    )


def _whole_number(word: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", word):
        shown = word if len(word) <= 20 else word[:20] + "…"
        raise RleError(f'"{shown}" is not a whole number')
    if len(word) > _MOST_DIGITS:
        raise RleError(f"the number {word[:10]}… has {len(word)} digits, past the end of any mask")
    return int(word)
