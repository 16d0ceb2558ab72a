"""The HTML that people open: templates, and the few functions that fill them."""

from humanseg.pages.cards import TestCard, ValidCard
from humanseg.pages.gallery import write_test_page, write_valid_page
from humanseg.pages.pictures import cutout, error_overlay
from humanseg.pages.render import render, write_page

__all__ = [
    "TestCard",
    "ValidCard",
    "cutout",
    "error_overlay",
    "render",
    "write_page",
    "write_test_page",
    "write_valid_page",
]
