"""Many photos and videos by one command: what to do, where results go, what was left out."""
