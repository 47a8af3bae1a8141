"""Who agrees on a wheel, and what those who do not agree built with."""
