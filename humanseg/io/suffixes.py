"""Which files are photos, by their names."""

PHOTO_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .mpo .pbm .pgm .png .pnm .ppm .psd "
    ".tga .tif .tiff .webp".split()
)
"""Files in a folder that count as photos. Those that Pillow cannot read are reported, too."""
