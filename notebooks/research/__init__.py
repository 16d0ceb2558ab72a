"""The research report: numbers from run records, and the notebook that tells what they mean.

It stays in the repository, beside the notebook, and is no part of the package: it imports
`humanseg`, never the other way round. `python -m research` executes the report.
"""
