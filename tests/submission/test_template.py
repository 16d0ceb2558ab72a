from pathlib import Path

import pytest

from humanseg.errors import HumansegError
from humanseg.io.names import TEMPLATE_NAME
from humanseg.submission.template import submission_ids, template_ids

REAL = Path(__file__).parents[3] / "shared" / "data" / "mil"


def test_template_ids_keep_their_order(tmp_path: Path) -> None:
    assert template_ids(tmp_path) is None
    (tmp_path / TEMPLATE_NAME).write_bytes(b"\xef\xbb\xbfid,rle_mask\r\n10,1 1\r\n9,\r\n")
    assert template_ids(tmp_path) == ["10", "9"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column"),
        ("name,mask\n1,\n", "no column"),
        ("id,rle_mask\n", "no rows"),
        ("id,rle_mask\n1,\n1,\n", "has 1 more than once"),
        ("id,rle_mask\n,1 2\n", "without an id"),
    ],
)
def test_a_broken_template_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / TEMPLATE_NAME).write_text(text)
    with pytest.raises(HumansegError, match=says):
        template_ids(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the task's data is not beside the project")
def test_the_real_template() -> None:
    assert template_ids(REAL) == [str(id) for id in range(1315, 1460)]


def test_the_ids_of_a_submission_are_those_of_the_template(tmp_path: Path) -> None:
    assert submission_ids(tmp_path, ["10", "é", "9"]) == ["9", "10", "é"]
    (tmp_path / TEMPLATE_NAME).write_text("id,rle_mask\ne\u0301,\n10,\n9,\n", encoding="utf-8")
    assert submission_ids(tmp_path, ["9", "10", "é"]) == ["e\u0301", "10", "9"]


@pytest.mark.parametrize(
    ("ids", "says"),
    [(["1"], "it names 2[.]"), (["1", "2", "3"], "it lacks 3[.]"), (["3"], "names 1, 2 and lacks")],
)
def test_a_template_about_other_photos_is_refused(
    tmp_path: Path, ids: list[str], says: str
) -> None:
    (tmp_path / TEMPLATE_NAME).write_text("id,rle_mask\n1,\n2,\n")
    with pytest.raises(HumansegError, match=says):
        submission_ids(tmp_path, ids)
