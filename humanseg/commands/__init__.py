"""A module per command with options of its own: `configure` for its parser, `run` for its work.

`humanseg.cli` imports one only when its command is given, and a module imports what is heavy inside
`run`, so that help and mistakes are answered at once.
"""
