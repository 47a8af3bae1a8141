"""What a run does with its builds: order, places, reuse, results."""
