"""Many runs side by side: ranking, table, CSV, page, and the dashboard in wandb; no torch."""
