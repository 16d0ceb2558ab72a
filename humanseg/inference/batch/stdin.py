"""What comes through a pipe: a list of paths, or a photo or video itself."""

import codecs
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from humanseg.errors import HumansegError
from humanseg.io.files import explain_write_errors

_SIGNATURES = {
    b"\xff\xd8\xff": ".jpg",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"8BPS": ".psd",
    b"\xff\x0a": ".jxl",
    b"\0\0\0\x0cJXL ": ".jxl",
    b"\0\0\0\x0cjP  ": ".jp2",
    b"OggS": ".ogv",
    b"FLV\x01": ".flv",
    b"0&\xb2u\x8ef\xcf\x11": ".wmv",
    b"\0\0\x01\xba": ".mpg",
    b"\0\0\x01\xb3": ".m2v",
    b"\x06\x0e+4\x02\x05\x01\x01": ".mxf",
    b"YUV4MPEG2 ": ".y4m",
}
_STILL_BRANDS = {b"avif": ".avif", b"avis": ".avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), ".heic"
)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 4096


def media_suffix(content: bytes) -> str | None:
    """Return the suffix for a photo or video that begins with these bytes; None for other bytes."""
    for start, suffix in _SIGNATURES.items():
        if content.startswith(start):
            return suffix
    if content[:4] == b"RIFF":
        return {b"WEBP": ".webp", b"AVI ": ".avi"}.get(content[8:12])
    # A packet every 188 bytes, or every 192, after four bytes of time. In a list of paths of one
    # length, ./IMG_0001.HEIC say, there may be such a G, too, but no two zeros.
    if b"\0\0" in content[:_HEAD] or _is_binary(content):
        if content[0:1] == content[188:189] == content[376:377] == b"G":
            return ".ts"
        if content[4:5] == content[196:197] == content[388:389] == b"G":
            return ".m2ts"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return _STILL_BRANDS.get(brand, ".mov" if brand == b"qt  " else ".mp4")
    if content.startswith(b"\x1aE\xdf\xa3"):
        return ".webm" if b"webm" in content[:_HEAD] else ".mkv"
    try:
        with Image.open(io.BytesIO(content)) as image:
            return f".{(image.format or 'img').lower()}"
    except Exception:
        # Pillow's readers raise almost anything on what they do not know.
        return None


def listed_paths(content: bytes) -> list[str]:
    r"""Return the paths of a list, one a line, or each ended by a zero as ``find -print0`` does."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    try:
        if encoding is not None:
            return _lines(content.decode(encoding).removeprefix("\ufeff"))
        # Every other byte is zero: UTF-16 without its byte order mark.
        if len(content) >= 8 and not any(content[1::2]) and all(content[0::2]):
            return _lines(content.decode("utf-16-le"))
    except UnicodeDecodeError as error:
        raise HumansegError(
            f"The list on standard input is not {encoding or 'utf-16'}, as it begins: write it "
            "again as UTF-8.",
            code="inference.unreadable_list",
        ) from error
    text = os.fsdecode(content)
    names = text.split("\0") if "\0" in text else _lines(text)
    exists = [os.path.lexists(name) for name in names if name]
    # By chance, other bytes hold the name of a file, too: one letter is enough.
    if _is_binary(content) and 2 * sum(exists) <= len(exists):
        raise HumansegError(
            "What comes on standard input is neither a picture nor a list of paths: give one path "
            "a line, or a photo.",
            code="inference.unreadable_list",
        )
    return [name for name in names if name]


@contextmanager
def spool_folder() -> Iterator[Callable[[], Path]]:
    """Yield a function that makes a folder for copies of streams, which goes after the block."""
    with ExitStack() as stack:

        @cache
        def spool() -> Path:
            with explain_write_errors(Path("a temporary file; TMPDIR names its folder")):
                return Path(stack.enter_context(TemporaryDirectory(prefix="humanseg-")))

        yield spool


def copy_stream(path: Path, folder: Path) -> Path:
    """Copy a pipe or device, which can be read only once, into a folder; return the file."""
    file = folder / f"stream{len(os.listdir(folder))}"
    try:
        with path.open("rb") as source, file.open("wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        message = f"Cannot read {path}: {error.strerror}."
        raise HumansegError(message, code="io.cannot_read") from error
    return with_suffix_of_content(file)


def with_suffix_of_content(file: Path) -> Path:
    """Rename a file so that its suffix says what it holds; return its new name."""
    with file.open("rb") as opened:
        suffix = media_suffix(opened.read(_HEAD))
    return file if suffix is None else file.rename(file.with_suffix(suffix))


def _lines(text: str) -> list[str]:
    # Nothing else is stripped: a name may begin or end with a space.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return [line for line in lines if line.strip()]


def _is_binary(content: bytes) -> bool:
    head = content[:_HEAD].replace(b"\0", b"")
    return any(byte < 32 and byte not in b"\t\n\r\x1b" for byte in head)
