"""From verified bytes to a wheel."""
