"""Transforms of a photo and its mask on the way to the network."""
