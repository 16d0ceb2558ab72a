"""The sections of the report: each module returns what the cells of its section show."""
