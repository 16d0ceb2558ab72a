"""Many trainings as one command: which jobs there are, what is left to do, what came out."""
