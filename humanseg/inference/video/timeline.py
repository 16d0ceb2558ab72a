"""The times of packets, in one line where a file counts from anywhere or begins to count again."""

from fractions import Fraction
from typing import cast

import av
from av.container import InputContainer
from av.format import Flags

_TS_DISCONT = cast(int, Flags.ts_discont.value)
JOINABLE = ("mpegts", "mpeg")
"""Containers whose files may be joined byte by byte; they state no duration."""
_BACK = Fraction(1, 2)
"""Seconds: a smaller step back is a mistake in the file's times."""
_AHEAD = Fraction(10)
"""Seconds: a smaller step ahead is a gap in what was recorded."""
_CYCLE = Fraction(1 << 33, 90000)
"""Seconds after which the clock of these containers is at 0 again."""


class Timeline:
    """Shifts packets so that a video starts at 0 and goes on, with its sound.

    Broadcasts, discs and cameras that write transport or programme streams count from anywhere.
    Where such files are joined byte by byte, as downloads in pieces are, the times step to those of
    the next part: all streams of a part are shifted alike. In other containers, times are meant.
    """

    def __init__(self, container: InputContainer) -> None:
        self._joinable = container.format.name in JOINABLE
        from_anywhere = bool(_TS_DISCONT & container.format.flags)
        start = container.start_time if from_anywhere else None
        # Of each part, what is added to its times.
        self._shifts = [-Fraction(start or 0, av.time_base)]
        # Of each stream, its part and the end of its last packet.
        self._streams: dict[int, tuple[int, Fraction]] = {}
        # The end of what was seen of any stream.
        self._end = Fraction(0)

    def shift(self, packet: av.Packet) -> None:
        """Shift the times of the next packet of the file."""
        unit = packet.time_base
        if not unit:
            return
        shift = self._shift(packet, unit) if self._joinable else self._shifts[0]
        units = round(shift / unit)
        packet.pts = None if packet.pts is None else packet.pts + units
        packet.dts = None if packet.dts is None else packet.dts + units

    def _shift(self, packet: av.Packet, unit: Fraction) -> Fraction:
        """Return what is added to the times of a packet, in seconds."""
        # What a stream begins with may lie far behind the others: pictures are sent ahead of sound.
        first = len(self._shifts) - 1, self._end - _AHEAD
        part, end = self._streams.get(packet.stream.index, first)
        pts, dts = packet.pts, packet.dts
        # Where the times step, FFmpeg is late by a packet with those of decoding.
        units = dts if pts is None or (dts is not None and 0 <= pts - dts <= _AHEAD / unit) else pts
        if units is None:
            return self._shifts[part]
        part, time = self._find(part, end, units * unit)
        end = time + (packet.duration or 0) * unit
        self._streams[packet.stream.index] = part, end
        self._end = max(self._end, end)
        return time - units * unit

    def _find(self, part: int, end: Fraction, stated: Fraction) -> tuple[int, Fraction]:
        """Return the part and the shifted time of a packet, in a stream that has come to `end`."""
        time = self._shifted(part, stated, end)
        if end - _BACK <= time <= self._end + _AHEAD:
            return part, time
        # Another stream has come to this part before.
        for later in range(part + 1, len(self._shifts)):
            time = self._shifted(later, stated, end)
            if abs(time - self._end) <= _AHEAD:
                return later, time
        self._shifts.append(self._end - stated)
        return len(self._shifts) - 1, self._end

    def _shifted(self, part: int, stated: Fraction, end: Fraction) -> Fraction:
        time = stated + self._shifts[part]
        return time - round((time - end) / _CYCLE) * _CYCLE
