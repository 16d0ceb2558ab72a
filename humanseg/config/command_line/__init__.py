"""What people type and read about settings: overrides, help, and errors in words."""
