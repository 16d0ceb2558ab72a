"""The built-in sample data: people drawn by code, in the layout of the real photos."""

from humanseg.data.synthetic.photo import draw_photo
from humanseg.data.synthetic.writer import MARKER_NAME, holds_sample, write_sample

__all__ = ["MARKER_NAME", "draw_photo", "holds_sample", "write_sample"]
