"""How a run's outcome is shown: one renderer a format."""
