"""Configs: what a setting is, what a config may name, whether it fits, and what it describes.

Nothing is imported here: what an error says, and what a setting decides, is known without Hydra.
"""
