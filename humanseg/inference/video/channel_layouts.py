"""The channel layout of an audio track, and the closest one that an encoder takes."""

import ctypes

import av
from av.error import FFmpegError

_USUAL_RATE = 48000
_NATIVE = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_SMALLER = ((8, "7.1"), (6, "5.1"), (2, "stereo"), (1, "mono"))
"""The layout that sound of at least so many channels is mixed to if its own cannot be encoded."""


def channel_layout(context: av.AudioCodecContext) -> tuple[str, int] | None:
    """Return FFmpeg's name of a track's layout and its number of channels, before it is decoded.

    QuickTime may name speakers in an order of its own, such as 7.1 with the sides first. PyAV 18
    frees such a list with every object that shows it, and the process dies by that. PCM is decoded
    as the usual layout of so many channels instead, which the decoder then gives; None for other
    codecs, which must not be decoded.
    """
    layout = context.layout
    if " channels (" not in layout.name:
        return layout.name, layout.nb_channels
    # Never freed, so that the list is freed once, by its owner.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    if not context.codec.canonical_name.startswith("pcm_"):
        return None
    name = _NATIVE.get(layout.nb_channels, f"{layout.nb_channels} channels")
    context.layout = name
    return name, layout.nb_channels


def closest_supported(codec: str, layout: str, channels: int, rate: int) -> tuple[str, int]:
    """Return the layout and sample rate that an encoder takes: those given, or the closest."""
    smaller = [name for least, name in _SMALLER if channels >= least] or ["stereo"]
    rates = av.Codec(codec, "w").audio_rates or [rate]
    if rate not in rates:
        rate = min((higher for higher in rates if higher >= rate > 0), default=_USUAL_RATE)
    # The same channels, by the name that encoders and players expect of speakers at the sides.
    for name in (layout.removesuffix("(side)"), layout, *smaller):
        if _takes(codec, name, rate):
            return name, rate
    return smaller[-1], _USUAL_RATE


def _takes(codec: str, layout: str, rate: int) -> bool:
    """Return whether an encoder opens for a channel layout: FFmpeg has no list of them."""
    try:
        context = av.CodecContext.create(codec, "w")
        assert isinstance(context, av.AudioCodecContext)
        context.format = (context.codec.audio_formats or [av.AudioFormat("fltp")])[0]
        context.layout, context.sample_rate = layout, rate
        context.open()
    except (FFmpegError, ValueError):
        return False
    return True
