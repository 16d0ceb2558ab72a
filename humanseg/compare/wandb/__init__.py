"""In wandb: the leaderboard as a dashboard, runs that were logged offline, exported models."""
