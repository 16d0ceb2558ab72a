"""Files that cannot be read here, identified by their first bytes."""

from pathlib import PurePath

from PIL import features

HEAD = 1024
"""The number of a file's first bytes that are needed."""

RAW = (
    "is a camera RAW file, which holds the sensor's values and a small preview: develop it to JPEG "
    "or TIFF in a photo program, and take that"
)
_HEIC = (
    "is HEIC, whatever its name: pip install pillow-heif lets humanseg read it, or save it as JPEG"
)
_AVIF = "is AVIF, which this Pillow was built without: pip install -U pillow, or save it as JPEG"
_VIDEO = "is a video, not a photo: give it its own suffix (mp4, mov, webm), or convert it to mp4"

RAW_SUFFIXES = frozenset(
    ".3fr .ari .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef "
    ".nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""Suffixes of camera RAW; most such files are laid out as TIFF."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),
    (b"\0MRM", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\0", RAW),
    (b"II\x1a\0\0\0HEAPCCDR", RAW),
    (b"\xff\x0a", "is JPEG XL, which cannot be read here: save it as JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "is JPEG XL, which cannot be read here: save it as JPEG or PNG"),
    (b"8BPS", "is a Photoshop document that cannot be read here: export it as PNG or JPEG"),
    (b"gimp xcf", "is a GIMP document: export it as PNG or JPEG"),
    (b"%PDF", "is a PDF document: export its page as PNG or JPEG"),
    (b"%!PS", "is a PostScript drawing: export it as PNG"),
    (b"\xc5\xd0\xd3\xc6", "is a PostScript drawing: export it as PNG"),
    (b"\xd7\xcd\xc6\x9a", "is a drawing (WMF): export it as PNG"),
    (b"v/1\x01", "is OpenEXR, which cannot be read here: save it as PNG or TIFF"),
    (b"#?RADIANCE", "is a Radiance HDR picture, which cannot be read here: save it as PNG or TIFF"),
    (b"#?RGBE", "is a Radiance HDR picture, which cannot be read here: save it as PNG or TIFF"),
    (b"\x1aE\xdf\xa3", _VIDEO),
    (b"OggS", _VIDEO),
    (b"FLV", _VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", _VIDEO),
    (b"\0\0\x01\xba", _VIDEO),
    (b"\0\0\x01\xb3", _VIDEO),
    (b"PK\x03\x04", "is a ZIP archive or an office document: unpack it, and take its pictures"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it"),
    (b"Rar!", "is a RAR archive: unpack it"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it"),
    (b"\0\x05\x16\x07", "holds a Mac's notes on another file, no picture: remove it"),
    (
        b"version https://git-lfs",
        "is the pointer that Git LFS leaves in place of a file: run git lfs pull",
    ),
)

# Brands of the ISO base media file format (ISO 14496-12) that are no video.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")


def unreadable_type(head: bytes) -> str | None:
    """Return what a file is and what to do, as the rest of a sentence; None where unknown."""
    for start, what in _STARTS:
        if head.startswith(start):
            return what
    if is_heic(head):
        return _HEIC
    if head[4:8] == b"ftyp":
        brands = head[8 : int.from_bytes(head[:4], "big")]
        if brands[:4] == b"crx ":
            return RAW
        if b"avif" in brands or b"avis" in brands:
            return None if features.check("avif") else _AVIF
        return _VIDEO
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _VIDEO
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return _VIDEO
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        return _VIDEO
    if head[128:132] == b"DICM":
        return "is a DICOM file, which cannot be read here: save it as PNG"
    return _text_kind(head) or _zeros(head)


def is_heic(head: bytes) -> bool:
    """Return whether the first bytes are those of HEIC or HEIF, as phones write."""
    if head[4:8] != b"ftyp":
        return False
    major, *others = (
        head[index : index + 4]
        for index in range(8, min(len(head), int.from_bytes(head[:4], "big")), 4)
    ) or (b"",)
    if b"avif" in (major, *others) or b"avis" in (major, *others):
        return False
    return major in _HEIC_BRANDS


def is_raw_name(name: str) -> bool:
    """Return whether a file's suffix is one of camera RAW."""
    return PurePath(name).suffix.lower() in RAW_SUFFIXES


def _text_kind(head: bytes) -> str | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return (
            "is a web page, as a failed download leaves it: fetch the picture itself from its "
            "source"
        )
    if b"<svg" in text and text.startswith((b"<?xml", b"<svg", b"<!")):
        return "is a drawing (SVG), not a photo: export it as PNG"
    return None


def _zeros(head: bytes) -> str | None:
    if len(head) == HEAD and not any(head):
        return "begins with nothing but zeros, as a copy that failed: copy it again from its source"
    return None
