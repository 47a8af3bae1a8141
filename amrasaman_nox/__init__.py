"""Rebuild pinned Python sources into wheels bit for bit, and prove it."""
