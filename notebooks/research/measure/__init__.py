"""What the report says about photos and predictions, measured once and kept as plain numbers."""
