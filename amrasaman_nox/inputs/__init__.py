"""One reader for each input format; none of them runs anything."""
