"""Decoders: what turns the features of a backbone into logits, a file for each."""
