"""Rebuild under variations, compare with that or with a published wheel, and explain."""
