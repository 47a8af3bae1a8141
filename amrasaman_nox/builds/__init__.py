"""From one job to one wheel with its record, or to a failure."""
