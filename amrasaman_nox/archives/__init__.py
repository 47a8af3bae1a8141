"""Strict framing of archives, for sdists and wheels alike."""
