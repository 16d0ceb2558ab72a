"""What is checked before the first step of a training."""
