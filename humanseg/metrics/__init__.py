"""Scores per photo, their mean over photos, and its confidence interval."""
