"""Downloading a file, going on where a broken connection left off."""

import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from humanseg.errors import HumansegError
from humanseg.io.files import explain_os_error, write_json

SHARE_API = "https://cloud-api.yandex.net/v1/disk/public/resources/download"
"""Yandex Disk's public interface: gives for a share's address the file's (or folder's zip)."""

Progress = Callable[[int, int | None], None]

_SHARE_HOSTS = re.compile(r"(.+\.)?(yadi\.sk|disk(\.360)?\.yandex\.[a-z.]+)")
_CHUNK = 1 << 18
_TIMEOUT = 60.0
_ATTEMPTS = 5
# The server is busy or broken for the moment; other refusals will not go away by waiting.
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class _RetryLaterError(Exception):
    """The connection broke; what arrived so far is kept."""


@dataclass(frozen=True)
class _Version:
    """What tells whether a server still has the file that was begun."""

    etag: str | None
    modified: str | None
    size: int | None


def direct_address(url: str) -> str:
    """Return the address to download from.

    Parameters
    ----------
    url
        A direct address, or the address of a public Yandex Disk share.

    Returns
    -------
    str
        `url` itself, or what the service gives for the share; that address is valid for hours.

    Raises
    ------
    HumansegError
        `url` is no http address, or the service cannot be reached or knows no such share.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HumansegError(f"{url} is no address to download from: give one with http or https.")
    if not _SHARE_HOSTS.fullmatch(parts.hostname):
        return url
    query = urllib.parse.urlencode({"public_key": url})
    try:
        with urllib.request.urlopen(f"{SHARE_API}?{query}", timeout=_TIMEOUT) as answer:
            address = json.load(answer)["href"]
    except urllib.error.HTTPError as error:
        raise HumansegError(
            f"Yandex Disk gives no file for {url} (HTTP {error.code}): open the address in a "
            "browser to see whether it is still shared, or give another one with --url."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise HumansegError(
            f"Yandex Disk cannot be reached ({_reason(error)}): check the network connection, or "
            "give a direct address with --url."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise HumansegError(
            f"Yandex Disk gave an unexpected answer for {url}: give a direct address with --url."
        ) from error
    return direct_address(str(address))


def download(url: str, path: Path, progress: Progress, pause: float = 1.0) -> None:
    """Download a file, whole or not at all.

    What arrives is kept beside `path` until it is complete, and a later call goes on from
    there when the server still has the same file (by ETag or date, and size).

    Parameters
    ----------
    url
        A direct address.
    path
        Where the file shall be.
    progress
        Called with the bytes that are there and, where it is known, their number in the end.
    pause
        Seconds before the second attempt; doubled for each further one.

    Raises
    ------
    HumansegError
        The server refuses, the connection breaks five times without progress, the size is
        not what was announced, or the disk is full.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise explain_os_error(error, path) from error
    failures = 0
    while True:
        before = partial.stat().st_size
        try:
            _transfer(url, partial, progress)
            break
        except _RetryLaterError as error:
            failures = 1 if partial.stat().st_size > before else failures + 1
            if failures >= _ATTEMPTS:
                raise HumansegError(
                    f"The download from {_host(url)} breaks again and again ({error}). What "
                    "arrived is kept: run the command again later to go on from there."
                ) from error
            time.sleep(pause * 2 ** (failures - 1))
    try:
        partial.replace(path)
    except OSError as error:
        raise explain_os_error(error, path) from error
    _note(partial).unlink(missing_ok=True)


def _transfer(url: str, partial: Path, progress: Progress) -> None:
    have, version = _begun(partial)
    if version and have == version.size:
        # Begun, finished, but not yet renamed; nothing is left to ask for.
        return
    try:
        with urllib.request.urlopen(_request(url, have, version), timeout=_TIMEOUT) as answer:
            have, version = _where(answer, partial, have, version)
            _check_space(partial, version, have)
            _save(partial, version)
            have = _copy(answer, partial, have, version.size, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # The file has become shorter: begin anew.
            _forget(partial)
            raise _RetryLaterError("the file has changed on the server") from error
        if error.code in _PASSING:
            raise _RetryLaterError(f"HTTP {error.code}") from error
        raise HumansegError(
            f"{_host(url)} refuses the download (HTTP {error.code}, {error.reason}): check the "
            "address, or give another one with --url."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise _RetryLaterError(_reason(error)) from error
    if version.size is not None and have != version.size:
        if have > version.size:
            _forget(partial)
        raise _RetryLaterError(f"{have} of {version.size} bytes arrived")


def _request(url: str, have: int, version: _Version | None) -> urllib.request.Request:
    headers = {"Accept-Encoding": "identity", "User-Agent": "humanseg"}
    if have and version:
        headers["Range"] = f"bytes={have}-"
        # A weak ETag may stand for other bytes, so If-Range does not take it (RFC 9110, 13.1.5).
        strong = version.etag if version.etag and not version.etag.startswith("W/") else None
        if strong or version.modified:
            headers["If-Range"] = strong or version.modified or ""
    return urllib.request.Request(url, headers=headers)


def _where(answer: Any, partial: Path, have: int, version: _Version | None) -> tuple[int, _Version]:
    """Return from which byte on the server sends, and of which file."""
    length = answer.headers.get("Content-Length")
    size = int(length) if length and length.isdecimal() else None
    if answer.status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if not span or int(span[1]) != have:
            raise http.client.HTTPException("the server sends another part than was asked for")
        size = int(span[2]) if span[2] != "*" else (have + size if size is not None else None)
    found = _Version(answer.headers.get("ETag"), answer.headers.get("Last-Modified"), size)
    if answer.status != 206:
        return 0, found
    # A server may pass over If-Range, or have given nothing to put there.
    if version is None or found.size != version.size or found.etag != version.etag:
        _forget(partial)
        raise http.client.HTTPException("the file has changed on the server")
    return have, found


def _copy(answer: Any, partial: Path, have: int, size: int | None, progress: Progress) -> int:
    try:
        file = partial.open("r+b")
    except OSError as error:
        raise explain_os_error(error, partial) from error
    with file:
        file.truncate(have)
        file.seek(have)
        progress(have, size)
        while chunk := answer.read(_CHUNK):
            try:
                file.write(chunk)
            except OSError as error:
                raise explain_os_error(error, partial) from error
            have += len(chunk)
            progress(have, size)
    return have


def _check_space(partial: Path, version: _Version, have: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if version.size is not None and version.size - have > free:
        raise HumansegError(
            f"The download needs {version.size - have:,} bytes and {partial.parent.resolve()} has "
            f"{free:,} free: free some space, or choose another folder with --out."
        )


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _save(partial: Path, version: _Version) -> None:
    write_json(_note(partial), asdict(version))


def _begun(partial: Path) -> tuple[int, _Version | None]:
    try:
        version = _Version(**json.loads(_note(partial).read_text()))
    except (OSError, ValueError, TypeError):
        return 0, None
    return partial.stat().st_size, version


def _forget(partial: Path) -> None:
    with suppress(OSError):
        _note(partial).unlink(missing_ok=True)


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error) or type(error).__name__
