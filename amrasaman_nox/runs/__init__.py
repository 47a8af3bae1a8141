"""A whole run: which builds, in which order and where, what is reused, what is published."""
