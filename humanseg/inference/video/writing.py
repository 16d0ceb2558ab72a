"""Writing a video: frames with times of their own, and the sound that came with them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from humanseg.inference.video.audio import AudioTrackWriter
from humanseg.inference.video.encodings import Encoding
from humanseg.inference.video.probe import VideoError, VideoInfo, ffmpeg_url
from humanseg.inference.video.reading import AudioPacket, Frame
from humanseg.io.files import explain_os_error


class VideoWriter(AbstractContextManager["VideoWriter"]):
    """A video that is being written: `with VideoWriter(…) as writer: …`.

    Pictures keep their times, so that a variable rate stays one. Where the codec wants even sides,
    the last row or column is written twice.
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        info: VideoInfo,
        audio: Sequence[AudioStream] = (),
        comment: str = "",
        name: Path | None = None,
        threads: int = 0,
    ) -> None:
        self.path, self.encoding, self.info = name or path, encoding, info
        self._comment, self._threads = comment, threads
        with self._explained():
            try:
                self._open(path, audio, copy=True)
            except (FFmpegError, ValueError):
                if not audio:
                    raise
                # The container takes the codec, but not this profile of it.
                with suppress(FFmpegError, OSError):
                    self._container.close()
                self._open(path, audio, copy=False)

    @property
    def notes(self) -> list[str]:
        """Notices about the sound; complete after the block."""
        notes = []
        for track in self._audio:
            if track.remixed:
                layout, mixed = track.remixed
                notes.append(f"{self.path.name}: sound of {layout} is mixed to {mixed}")
            if track.broken and track.silent:
                notes.append(f"{self.path.name}: its sound cannot be decoded, and is left out")
            elif track.broken:
                notes.append(
                    f"{self.path.name}: {track.broken} pieces of sound are broken, and left out"
                )
        return notes

    def _open(self, path: Path, audio: Sequence[AudioStream], copy: bool) -> None:
        self._audio: list[AudioTrackWriter] = []
        encoding = self.encoding
        options = {"movflags": "+faststart"} if encoding.container in ("mp4", "mov") else {}
        self._container = av.open(
            ffmpeg_url(path), "w", format=encoding.container, container_options=options
        )
        if self._comment:
            self._container.metadata["comment"] = self._comment
        self._video = self._container.add_stream(
            encoding.codec, rate=self.info.rate, options=dict(encoding.options)
        )
        self._set_up()
        self._audio += [AudioTrackWriter(self._container, track, copy) for track in audio]
        # Opens the file and the encoders: what cannot be encoded shows before the first frame.
        self._container.start_encoding()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Write what the encoders still hold, and close the file."""
        if error is not None:
            with suppress(FFmpegError, OSError):
                self._container.close()
            return
        with self._explained():
            self._container.mux(self._video.encode(None))
            for track in self._audio:
                track.end()
            self._container.close()

    def write(self, part: Frame | AudioPacket) -> None:
        """Write the next frame or audio packet, in the order of the source."""
        with self._explained():
            if isinstance(part, Frame):
                self._container.mux(self._video.encode(self._encodable(part)))
            else:
                self._audio[part.track].write(part)

    def _set_up(self) -> None:
        stream, step = self._video, self.encoding.step
        height, width = self.info.size
        stream.height, stream.width = -(-height // step) * step, -(-width // step) * step
        stream.pix_fmt = self.encoding.pixels
        context = stream.codec_context
        context.time_base = self.info.time_base
        context.thread_count = self._threads
        # Without it, the last frame would be shown as long as the one before it.
        context.flags |= Flags.frame_duration
        context.sample_aspect_ratio = self.info.aspect
        context.color_range = ColorRange.MPEG
        context.colorspace = self.info.colors.matrix
        context.color_primaries = self.info.colors.primaries
        context.color_trc = self.info.colors.transfer

    def _encodable(self, frame: Frame) -> av.VideoFrame:
        pixels = self._padded(frame.pixels)
        if pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
        rgb = av.VideoFrame.from_ndarray(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24")
        encodable = rgb.reformat(
            format=self.encoding.pixels,
            dst_colorspace=self.info.colors.matrix,
            dst_color_range=ColorRange.MPEG,
        )
        encodable.color_primaries = self.info.colors.primaries
        encodable.color_trc = self.info.colors.transfer
        encodable.pts, encodable.time_base = frame.time, self.info.time_base
        encodable.duration = frame.duration
        return encodable

    def _padded(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        bottom = self._video.height - pixels.shape[0]
        right = self._video.width - pixels.shape[1]
        if not bottom and not right:
            return np.ascontiguousarray(pixels)
        padded = cv2.copyMakeBorder(pixels, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        return padded.astype(np.uint8, copy=False)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Of the disk: some errors of FFmpeg are OSErrors, too.
            raise explain_os_error(OSError(error.errno, error.strerror), self.path) from error
        except UnknownCodecError as error:
            raise VideoError(
                f"{self.path} cannot be made: this build of FFmpeg lacks {error}. Install PyAV "
                "from PyPI, which brings it: pip install --force-reinstall av",
                code="inference.missing_codec",
            ) from error
        except (FFmpegError, ValueError) as error:
            why = error.strerror if isinstance(error, FFmpegError) else error
            raise VideoError(
                f"{self.path} cannot be made: {self.encoding.suffix[1:]} does not take the "
                f"pictures or the sound of this video ({why}). Save the video again with a video "
                "editor, as MP4 with H.264 and AAC, and try that one.",
                code="inference.unsupported_output",
            ) from error
