"""Writing the task's submission file, and scoring any such file the way the task does."""

from humanseg.submission.score import ScoreReport, score_file

__all__ = ["ScoreReport", "score_file"]
