"""Scoring any submission file the way the task does, and saying what is wrong with it."""

from humanseg.submission.score import ScoreReport, score_file

__all__ = ["ScoreReport", "score_file"]
