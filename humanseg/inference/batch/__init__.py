"""Many photos and videos by one command: the plan, the results, the failures."""
