"""The HTML that people open: templates, and the few functions that fill them."""
