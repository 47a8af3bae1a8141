"""The files that a run writes for installers."""
