"""Whole frames from interlaced ones, as players show them, by FFmpeg's bwdif."""

from fractions import Fraction

from av.error import BlockingIOError, EOFError, FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

_FILTER = ("bwdif", "mode=send_frame:deint=interlaced")
"""One frame for each; those that are not interlaced stay as they are."""


class Deinterlacer:
    """Passes frames through, one late from the first interlaced one on; `used` says if any was.

    Camcorders, discs and broadcasts store two fields of different times in one frame. What is
    written has no fields, so that no player could part them any more.
    """

    def __init__(self, unit: Fraction) -> None:
        # Seconds of one unit of the frames' times.
        self._unit = unit
        self.used = False
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None
        # The duration of each frame in the graph, by its time.
        self._durations: dict[int, int] = {}

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take the next frame, and return those that are ready, with their own times."""
        form = (frame.width, frame.height, frame.format.name)
        ready = self.flush() if self._graph is not None and form != self._form else []
        if self._graph is None and not frame.interlaced_frame:
            return [*ready, frame]
        if self._graph is None:
            self._graph, self._form = _open(frame, self._unit), form
        if self._graph is None:
            return [*ready, frame]
        self.used = True
        self._durations[frame.pts or 0] = frame.duration or 0
        self._graph.vpush(frame)
        return ready + self._pull()

    def flush(self) -> list[VideoFrame]:
        """Return what is left."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        ready = self._pull()
        self._graph, self._form = None, None
        return ready

    def _pull(self) -> list[VideoFrame]:
        ready: list[VideoFrame] = []
        while self._graph is not None:
            try:
                frame = self._graph.vpull()
            except (BlockingIOError, EOFError):
                break
            # The filter counts in halves of the unit.
            time = round((frame.pts or 0) * (frame.time_base or self._unit) / self._unit)
            frame.pts, frame.time_base = time, self._unit
            frame.duration = self._durations.pop(time, 0)
            ready.append(frame)
        return ready


def _open(frame: VideoFrame, unit: Fraction) -> Graph | None:
    """Return a graph for frames like this; None for a format that the filter does not take."""
    graph = Graph()
    try:
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=unit
        )
        graph.link_nodes(source, graph.add(*_FILTER), graph.add("buffersink"))
        graph.configure()
    except (FFmpegError, ValueError):
        return None
    return graph
