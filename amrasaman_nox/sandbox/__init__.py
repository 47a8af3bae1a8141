"""Processes of foreign code, in a constant world without network."""
