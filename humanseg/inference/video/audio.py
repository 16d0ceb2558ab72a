"""The sound of a video on its way into another: copied, or encoded again where it must be."""

import ctypes
from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.format import Flags

from humanseg.inference.video.reading import AudioPacket

_PLAYED = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
"""The audio codecs that players support in an mp4; more are allowed, such as PCM and MP2."""


_NAMES = ("language", "title", "handler_name")
"""The metadata of a track that say what is heard on it."""
_TS_NONSTRICT = cast(int, Flags.ts_nonstrict.value)
"""Of a container that lets two packets have one time."""
_USUAL_RATE = 48000
_NATIVE = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_SMALLER = ((8, "7.1"), (6, "5.1"), (2, "stereo"), (1, "mono"))
"""The layout that sound of at least so many channels is mixed to if its own cannot be encoded."""


class AudioTrackWriter:
    """One track of sound in a file that is being written.

    The bytes are copied where the container takes the codec. Otherwise they are decoded and
    encoded as Opus for WebM and as AAC for the others, with the channels and the rate of the
    source where the encoder takes them, else with the closest that it takes.
    """

    def __init__(self, container: OutputContainer, source: AudioStream, copy: bool = True) -> None:
        self._container = container
        self.remixed: tuple[str, str] | None = None
        self.broken, self.silent = 0, True
        copied = _copy_of(container, source) if copy and _may_copy(container, source) else None
        self.copied = copied is not None
        self._last: int | None = None
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._stream = copied or self._encoded(source)
        # By which people choose among tracks.
        self._stream.metadata.update(
            {key: text for key, text in source.metadata.items() if key.lower() in _NAMES}
        )
        self._stream.disposition = source.disposition

    def write(self, audio: AudioPacket) -> None:
        """Write a packet of the source."""
        if not self.copied:
            self._encode(audio.frames)
            self.silent = self.silent and not audio.frames
            self.broken += audio.broken
        elif audio.packet.size:
            self._copy(audio.packet)

    def end(self) -> None:
        """Write what the encoder still holds."""
        if not self.copied:
            self._encode(self._resampled(None))
            self._container.mux(self._stream.encode(None))

    def _encoded(self, source: AudioStream) -> AudioStream:
        codec = "libopus" if self._container.format.name == "webm" else "aac"
        source_layout = _channel_layout(source.codec_context)
        if source_layout is None:
            raise ValueError("its speakers have an order of their own, which cannot be decoded")
        layout, channels = source_layout
        supported, rate = _closest_supported(
            codec, layout, channels, source.codec_context.sample_rate
        )
        if av.AudioLayout(supported).nb_channels < channels:
            self.remixed = layout, supported
        stream = self._container.add_stream(codec, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = supported
        return stream

    def _copy(self, packet: av.Packet) -> None:
        # The same packet goes into other files, whose units of time may be others.
        original = packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration
        packet.stream = self._stream
        # Some files step back in time, or do not say the time of each packet.
        step = 0 if _TS_NONSTRICT & self._container.format.flags else 1
        if packet.dts is None:
            packet.dts = 0 if self._last is None else self._last + (packet.duration or 1)
        elif self._last is not None and packet.dts < self._last + step:
            packet.dts = self._last + step
        if packet.pts is None or packet.pts < packet.dts:
            packet.pts = packet.dts
        self._last = packet.dts
        self._container.mux(packet)
        packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration = original

    def _encode(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            for ready in self._resampled(frame):
                # The same unit throughout, whatever the pieces came in.
                if ready.pts is not None and ready.time_base is not None:
                    ready.pts = round(ready.pts * ready.time_base * self._stream.rate)
                ready.time_base = Fraction(1, self._stream.rate)
                self._container.mux(self._stream.encode(ready))

    def _resampled(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """Return a frame as the encoder takes it; broadcasts change their channels on the way."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate) if frame else None
        rest: list[AudioFrame] = []
        if form != self._form:
            rest = self._resampler.resample(None) if self._resampler else []
            context = self._stream.codec_context
            self._resampler, self._form = (
                AudioResampler(context.format.name, context.layout.name, context.sample_rate),
                form,
            )
        return rest + (self._resampler.resample(frame) if frame and self._resampler else [])


def _may_copy(container: OutputContainer, source: AudioStream) -> bool:
    if container.format.name != "mp4" or "mp4" in source.container.format.name.split(","):
        return True
    return source.codec_context.codec.canonical_name in _PLAYED


def _copy_of(container: OutputContainer, source: AudioStream) -> AudioStream | None:
    """Return a new track for the bytes of `source`; None where the container does not take them."""
    with suppress(ValueError):
        return container.add_stream_from_template(source)
    return None


def _channel_layout(context: av.AudioCodecContext) -> tuple[str, int] | None:
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


def _closest_supported(codec: str, layout: str, channels: int, rate: int) -> tuple[str, int]:
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
