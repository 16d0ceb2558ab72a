"""The data check, and the checks that training makes before its first step."""
