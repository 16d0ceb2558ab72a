"""The LightningModule, its callbacks, and the entry that trains."""
