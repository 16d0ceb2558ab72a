"""Reading the rows of a submission, however its CSV was written.

Python's csv module splits the rows, not pandas: that fills a row that ends early with empty fields,
so that a missing mask reads as an empty one, and refuses a whole file for one row that is too long.
"""

import csv
import io
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from humanseg.errors import HumansegError
from humanseg.io.names import HEADER
from humanseg.submission.complaints import Complaint, shorten

STDIN = Path("-")
"""In place of a file: standard input."""
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Submission:
    """The content of a submission file.

    Attributes
    ----------
    rows : pandas.DataFrame
        `id`, in Unicode's composed form, and `rle`, the mask's text, of every row that has both; by
        the number of the row as a spreadsheet counts, the header being row 1.
    complaints
        About the rows that do not have both.
    notes
        What differs from the form of the task but could be read all the same.
    """

    rows: pd.DataFrame
    complaints: list[Complaint]
    notes: list[str]


def read_submission(path: Path) -> Submission:
    """Read a submission file, a CSV file with the columns "id" and "rle_mask", among others.

    `STDIN` is standard input.
    """
    text, notes = _read_text(path)
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(_SEPARATORS, key=lambda char: (first_line.count(char) > 0, char == ","))
    if separator != ",":
        notes.append(f"its columns are separated by {_SEPARATORS[separator]}, not by commas")
    try:
        # The mask of a large photo is longer than the module's own limit.
        csv.field_size_limit(2**31 - 1)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise HumansegError(
            f"{path} cannot be read as CSV: {error}. Write it again.", code="submission.unreadable"
        ) from error
    start = next((number for number, fields in enumerate(lines) if fields), None)
    if start is None:
        raise HumansegError(
            f"{path} is empty: it needs the header {','.join(HEADER)} and rows.",
            code="submission.no_column",
        )
    header = [name.strip().lower() for name in lines[start]]
    missing = [name for name in HEADER if name not in header]
    if missing:
        shown = shorten(separator.join(lines[start]))
        raise HumansegError(
            f"{path} has no column {' and no column '.join(missing)}: its first line is "
            f'"{shown}", and must be {",".join(HEADER)}.',
            code="submission.no_column",
        )
    notes += _header_notes(lines[start], header)
    id_at, rle_at = (header.index(name) for name in HEADER)
    rows, complaints = {}, []
    for number, fields in enumerate(lines[start + 1 :], start=start + 2):
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(header):
            message = f"there are {len(fields)} fields where the header has {len(header)}"
            complaints.append(Complaint("a wrong number of fields", number, message))
        elif not fields[id_at].strip():
            complaints.append(Complaint("no id", number, "the id is empty"))
        else:
            id = unicodedata.normalize("NFC", fields[id_at])
            rows[number] = (id, fields[rle_at].strip())
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["id", "rle"], dtype=object)
    return Submission(table, complaints, notes)


def _read_text(path: Path) -> tuple[str, list[str]]:
    if path.is_dir():
        raise HumansegError(
            f"The submission {path} is a folder: name a CSV file, such as the pred_valid.csv in "
            "the folder of a run.",
            code="submission.unreadable",
        )
    try:
        content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = error.strerror if isinstance(error, OSError) else f"its name has an {error}"
        raise HumansegError(
            f"Cannot read the submission {path}: {reason}.", code="submission.unreadable"
        ) from error
    notes = []
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise HumansegError(
            f"{path} is not a text in UTF-8 ({error.reason} at byte {error.start}): a submission "
            f"is a CSV file with the header {','.join(HEADER)}.",
            code="submission.unreadable",
        ) from error
    if encoding != "utf-8":
        kind = "a byte order mark" if encoding == "utf-8-sig" else "UTF-16 in place of UTF-8"
        notes.append(f"it has {kind}, as spreadsheets write it")
    if "\r\n" in text:
        notes.append("it has Windows line ends (CR LF)")
    return text, notes


def _header_notes(names: list[str], header: list[str]) -> list[str]:
    notes = []
    extra = [name for name, lower in zip(names, header, strict=True) if lower not in HEADER]
    if extra:
        shown = ", ".join(f'"{shorten(name)}"' for name in extra)
        notes.append(f"it has columns besides {' and '.join(HEADER)}, passed over: {shown}")
    if [name for name in names if name in HEADER] != list(HEADER):
        notes.append(f"its header is not written as the task has it: {','.join(HEADER)}")
    twice = [name for name in HEADER if header.count(name) > 1]
    if twice:
        notes.append(f"it has more than one column {' and '.join(twice)}; the first one counts")
    return notes
