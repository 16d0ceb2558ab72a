"""The data check, and what training makes sure of before its first step."""
