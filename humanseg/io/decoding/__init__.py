"""From the bytes of an image file to pixels: what it is, which of its pictures, what is missing."""
