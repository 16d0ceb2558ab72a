"""Scores per photo, their mean over photos, and how sure it is."""
