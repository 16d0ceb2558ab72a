"""The research report: numbers from run records, and the notebook that tells what they mean.

A section of the notebook is a module here, whose functions take records and return what a cell
shows: a table, a picture or a sentence.
"""
