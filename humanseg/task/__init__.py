"""What the task fixes."""
