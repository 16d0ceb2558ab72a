"""The comment that a film holds."""

from pathlib import Path

import av
from av.error import FFmpegError

from humanseg.inference.video.probe import ffmpeg_url


def read_video_comment(path: Path) -> str | None:
    """Return the comment of a film; None where there is none, or where it is no film."""
    try:
        with av.open(ffmpeg_url(path)) as container:
            # Matroska writes the names of tags in capitals.
            tags = {name.lower(): text for name, text in container.metadata.items()}
    except (FFmpegError, OSError, ValueError):
        return None
    return tags.get("comment")
