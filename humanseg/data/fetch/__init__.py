"""Fetching a data set as an archive over the network, and unpacking it safely."""

from humanseg.data.fetch.archive import ArchiveError, Limits, unpack
from humanseg.data.fetch.transfer import direct_address, download

__all__ = ["ArchiveError", "Limits", "direct_address", "download", "unpack"]
