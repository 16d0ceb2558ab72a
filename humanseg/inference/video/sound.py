"""The sound of a video on its way into another: as it is, or encoded anew where it must be."""

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

_OPUS_RATE = 48000


class SoundTrack:
    """One track of sound in a file that is being written.

    The bytes are copied where the container takes the codec; otherwise they are decoded and
    encoded as Opus for WebM and as AAC for the others.

    Parameters
    ----------
    container
        The open file, before its first packet.
    source
        The track that the packets will come from; its file must stay open.
    """

    def __init__(self, container: OutputContainer, source: AudioStream) -> None:
        self._container, self._source = container, source
        context = source.codec_context
        self.copied = context.codec.canonical_name in container.supported_codecs
        if self.copied:
            self._stream = container.add_stream_from_template(source)
        elif container.format.name == "webm":
            self._stream = container.add_stream("libopus", rate=_OPUS_RATE)
        else:
            self._stream = container.add_stream("aac", rate=context.sample_rate)
        if not self.copied:
            self._stream.layout = context.layout

    def write(self, packet: av.Packet) -> None:
        """Write a packet of the source."""
        if self.copied:
            packet.stream = self._stream
            self._container.mux(packet)
            return
        for frame in self._source.decode(packet):
            self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Write what the encoder still holds."""
        if not self.copied:
            self._container.mux(self._stream.encode(None))
