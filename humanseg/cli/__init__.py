"""The command line: a module for each command, heavy imports inside."""
