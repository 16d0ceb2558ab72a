"""Recipes: several trainings in order by one command, each from what earlier ones left."""
