"""The best checkpoint on a split: scores, submission and pages."""
