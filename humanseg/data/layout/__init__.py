"""Where photos and masks lie on disk, and how their names are joined."""
