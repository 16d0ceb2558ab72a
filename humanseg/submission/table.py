"""Reading the rows of a submission, however its CSV was written."""

import csv
import io
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from humanseg.errors import HumansegError
from humanseg.io.files import long_fields
from humanseg.io.names import HEADER
from humanseg.submission.complaints import Complaint, printable

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Row:
    """One row of a submission.

    Attributes
    ----------
    number
        As a spreadsheet counts, the header being row 1.
    id
        As it stands in the file, in Unicode's composed form.
    rle
        The mask's text as it stands in the file.
    """

    number: int
    id: str
    rle: str


@dataclass(frozen=True)
class Table:
    """What a submission file holds.

    Attributes
    ----------
    rows
        Every row that has an id and a mask.
    complaints
        About the rows that do not.
    notes
        What differs from the form of the task but could be read all the same.
    """

    rows: list[Row]
    complaints: list[Complaint]
    notes: list[str]


def read_table(path: Path) -> Table:
    """Read a submission file.

    Parameters
    ----------
    path
        A CSV file with the columns "id" and "rle_mask", among others, in any order.

    Returns
    -------
    Table

    Raises
    ------
    HumansegError
        The file cannot be read, is no text, is empty, or lacks one of the two columns.
    """
    text, notes = _read_text(path)
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(_SEPARATORS, key=lambda char: (first_line.count(char) > 0, char == ","))
    if separator != ",":
        notes.append(f"its columns are separated by {_SEPARATORS[separator]}, not by commas")
    try:
        with long_fields():
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise HumansegError(f"{path} cannot be read as CSV: {error}. Write it again.") from error
    start = next((number for number, fields in enumerate(lines) if fields), None)
    if start is None:
        raise HumansegError(f"{path} is empty: it needs the header {','.join(HEADER)} and rows.")
    header = [name.strip().lower() for name in lines[start]]
    missing = [name for name in HEADER if name not in header]
    if missing:
        shown = printable(separator.join(lines[start]))
        raise HumansegError(
            f"{path} has no column {' and no column '.join(missing)}: its first line is "
            f'"{shown}", and must be {",".join(HEADER)}.'
        )
    notes += _header_notes(lines[start], header)
    id_at, rle_at = (header.index(name) for name in HEADER)
    rows, complaints = [], []
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
            rows.append(Row(number, id, fields[rle_at].strip()))
    return Table(rows, complaints, notes)


def _read_text(path: Path) -> tuple[str, list[str]]:
    if path.is_dir():
        raise HumansegError(
            f"The submission {path} is a folder: name a CSV file, such as the pred_valid.csv in "
            "the folder of a run."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HumansegError(f"Cannot read the submission {path}: {error.strerror}.") from error
    notes = []
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise HumansegError(
            f"{path} is not a text in UTF-8 ({error.reason} at byte {error.start}): a submission "
            f"is a CSV file with the header {','.join(HEADER)}."
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
        shown = ", ".join(f'"{printable(name)}"' for name in extra)
        notes.append(f"it has columns besides {' and '.join(HEADER)}, passed over: {shown}")
    if [name for name in names if name in HEADER] != list(HEADER):
        notes.append(f"its header is not written as the task has it: {','.join(HEADER)}")
    twice = [name for name in HEADER if header.count(name) > 1]
    if twice:
        notes.append(f"it has more than one column {' and '.join(twice)}; the first one counts")
    return notes
