"""The transparency of a video: which decoder gives it, and which frames have it."""

from pathlib import Path

import av
from av.codec.codec import UnknownCodecError

from humanseg.inference.video.probe import VideoError

_KEEP_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these drop the transparency that is beside the frames."""


def picture_decoder(path: Path, stream: av.VideoStream) -> av.VideoCodecContext:
    """Return a decoder for a video stream that keeps its transparency."""
    context = stream.codec_context
    # WebM and Matroska say so of a track (AlphaMode), and keep it beside each frame.
    if stream.metadata.get("alpha_mode", "0") == "0":
        return context
    name = _KEEP_ALPHA.get(context.codec.canonical_name)
    if name is None:
        return context
    try:
        decoder = av.CodecContext.create(name, "r")
    except UnknownCodecError as error:
        raise VideoError(
            f"{path} has transparency, which this build of FFmpeg cannot read (it lacks {name}): "
            "install PyAV from PyPI, or save the video as QuickTime with ProRes 4444.",
            code="inference.missing_codec",
        ) from error
    assert isinstance(decoder, av.VideoCodecContext)
    return decoder


def has_alpha(layout: av.VideoFormat) -> bool:
    """Return whether frames of this pixel format may have transparency."""
    return layout.has_palette or any(component.is_alpha for component in layout.components)
