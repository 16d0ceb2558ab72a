"""Where photos and masks are on disk, and how their names are joined."""
