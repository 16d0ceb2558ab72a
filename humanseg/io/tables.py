"""Tables as CSV files, by pandas: written whole or not at all, read with every value as text."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from humanseg.errors import HumansegError
from humanseg.io.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

# pandas is imported inside the functions: it takes half a second, and most commands have no table.


def write_table(path: Path, table: "pd.DataFrame", *, missing: str = "") -> None:
    """Write a table as CSV in UTF-8 with a header and LF line ends, whole or not at all.

    Parameters
    ----------
    path
        The CSV file.
    table
        Its columns go into the file, its index does not. Floats are written with all their digits.
        A column that mixes whole numbers with missing ones has the dtype `object`, else pandas
        writes 7 as 7.0.
    missing
        What stands for None and NaN.

    Raises
    ------
    HumansegError
        The file cannot be written.
    """
    with whole_file(path) as partial:
        save_table(partial, table, missing=missing)


def save_table(path: Path, table: "pd.DataFrame", *, missing: str = "") -> None:
    """Write a table as `write_table` does, but straight to `path`, as into a `whole_file`."""
    # Python before 3.13 does not quote a lone carriage return, which a reader takes for a line end.
    bare = any("\r" in str(value) for name, column in table.items() for value in (name, *column))
    table.to_csv(
        path,
        index=False,
        lineterminator="\n",
        na_rep=missing,
        quoting=csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL,
    )


def read_table(path: Path, columns: Iterable[str] = ()) -> "pd.DataFrame":
    """Read a CSV file with a header, every value as the text that stands in the file.

    Nothing is taken for a number or for missing: ids such as `007`, `1e5` and `NA` stay what they
    are. An empty field, and one that a short row lacks, is the empty text.

    Parameters
    ----------
    path
        The CSV file, in UTF-8.
    columns
        Columns that it must have, among others.

    Returns
    -------
    pandas.DataFrame
        Of dtype object, all values `str`.

    Raises
    ------
    HumansegError
        `io.missing_table`: there is no such file. `io.broken_table`: it cannot be read, is empty,
        has a row with more fields than the header, or lacks a column or has it twice.
    """
    import pandas as pd

    try:
        # With `header=0` pandas renames repeated columns, and takes the first column for an index
        # where rows are longer than the header.
        rows = pd.read_csv(path, header=None, dtype=object, na_filter=False)
    except FileNotFoundError as error:
        raise HumansegError(f"{path} is missing.", code="io.missing_table") from error
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise HumansegError(
            f"{path} cannot be read as a CSV table: {str(error).strip()}.", code="io.broken_table"
        ) from error
    header = rows.iloc[0].tolist()
    wrong = [name for name in columns if header.count(name) != 1]
    if wrong:
        raise HumansegError(
            f"{path} must have one column {' and one column '.join(wrong)}; its first line is "
            f"{','.join(header)[:200]}.",
            code="io.broken_table",
        )
    return pd.DataFrame(rows.to_numpy()[1:], columns=header, dtype=object)


def as_numbers(texts: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table of texts as floats, with all their digits; NaN where a text is no number."""
    import pandas as pd

    try:
        return texts.astype(float)
    except ValueError:
        columns = {name: pd.to_numeric(texts[name], errors="coerce") for name in texts}
        return pd.DataFrame(columns, dtype=float)
