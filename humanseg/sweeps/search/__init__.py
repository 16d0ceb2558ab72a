"""The search over settings by Optuna."""
