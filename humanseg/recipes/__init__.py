"""Recipes: several trainings in order by one command, each built on earlier ones."""
