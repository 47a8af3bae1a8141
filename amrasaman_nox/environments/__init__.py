"""Interpreters, and build environments made from locked wheels."""
