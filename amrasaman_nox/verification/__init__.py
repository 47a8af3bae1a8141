"""Rebuild under variations, compare, explain."""
