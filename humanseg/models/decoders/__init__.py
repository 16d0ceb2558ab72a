"""Decoders, which compute logits from the feature maps of a backbone; one file each."""
