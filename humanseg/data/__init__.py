"""Photos on disk, checked, augmented and batched."""
