import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from humanseg.io.rle import RleError, decode_rle, encode_rle

SHAPE = (320, 240)
masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def slow_encode(mask: np.ndarray) -> str:
    """Encode pixel by pixel, as the task's words say."""
    words, length = [], 0
    flat = [*mask.ravel().tolist(), False]
    for position, value in enumerate(flat, start=1):
        if value:
            length += 1
        elif length:
            words += [str(position - length), str(length)]
            length = 0
    return " ".join(words)


@settings(deadline=None)
@given(masks)
def test_encoding_agrees_with_a_pixel_by_pixel_one(mask: np.ndarray) -> None:
    assert encode_rle(mask) == slow_encode(mask)


@settings(deadline=None)
@given(masks)
def test_decoding_gives_the_mask_back(mask: np.ndarray) -> None:
    decoded = decode_rle(encode_rle(mask), mask.shape)
    assert decoded.dtype == bool
    np.testing.assert_array_equal(decoded, mask)


@settings(deadline=None)
@given(masks, st.sampled_from([np.uint8, np.int64, np.float32]))
def test_numbers_encode_as_booleans(mask: np.ndarray, dtype: type) -> None:
    assert encode_rle(mask.astype(dtype)) == encode_rle(mask)
    assert encode_rle(np.asfortranarray(mask)) == encode_rle(mask)


def test_rows_come_before_columns_and_starts_count_from_one() -> None:
    mask = np.zeros((3, 4), bool)
    mask[0, 3] = mask[1, 0] = mask[2, 1] = True
    assert encode_rle(mask) == "4 2 10 1"


def test_empty_and_full() -> None:
    assert encode_rle(np.zeros(SHAPE, bool)) == ""
    assert encode_rle(np.ones(SHAPE, bool)) == "1 76800"
    assert not decode_rle("", SHAPE).any()
    assert not decode_rle("  ", SHAPE).any()
    assert decode_rle("1 76800", SHAPE).all()


def test_runs_that_touch_are_one_mask() -> None:
    np.testing.assert_array_equal(decode_rle("1 2 3 1", (2, 2)), [[True, True], [True, False]])


@pytest.mark.parametrize(
    ("rle", "says"),
    [
        ("5", "odd number of numbers, 1"),
        ("1 2 3", "the last start has no length"),
        ("1.0 2", '"1.0" is not a whole number'),
        ("1e3 2", "not a whole number"),
        ("1_0 2", "not a whole number"),
        ("٣ 2", "not a whole number"),
        ("nan", "not a whole number"),
        ("[[0 0 0]]", '"[[0" is not a whole number'),
        ("0 5", "start 0 is below 1"),
        ("-3 5", "start -3 is below 1"),
        ("3 0", "run at 3 has length 0"),
        ("3 -1", "length -1"),
        ("1 5 5 2", "the run at 5 starts before the end of the one before it, at 5"),
        ("9 1 3 1", "ascend"),
        ("76800 2", "ends at 76801, past the end"),
        ("76801 1", "past the end of the mask, which has 320×240 = 76800 pixels"),
        ("1 " + "9" * 5000, "5000 digits"),
    ],
)
def test_a_broken_encoding_is_named(rle: str, says: str) -> None:
    with pytest.raises(RleError, match=".*") as caught:
        decode_rle(rle, SHAPE)
    assert says in str(caught.value)


@settings(deadline=None)
@given(st.text(alphabet="0123456789 -.e", max_size=30))
def test_any_text_decodes_or_says_why(rle: str) -> None:
    try:
        mask = decode_rle(rle, (9, 7))
    except RleError as error:
        assert str(error)
    else:
        np.testing.assert_array_equal(decode_rle(encode_rle(mask), (9, 7)), mask)


@pytest.mark.parametrize(
    "mask", [np.full((2, 2), 255), np.full((2, 2), np.nan), np.full((2, 2), 0.5), np.zeros(4)]
)
def test_what_is_no_mask_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match="mask"):
        encode_rle(mask)
