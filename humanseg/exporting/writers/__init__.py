"""A traced network as a file, one module for each format."""
