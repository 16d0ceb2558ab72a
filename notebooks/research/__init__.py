"""The research report: a notebook that is executed from the records of runs.

It stays in the repository, beside the notebook, and is no part of the package: it imports
`humanseg`, never the other way round. `python -m research` executes the report.
"""
