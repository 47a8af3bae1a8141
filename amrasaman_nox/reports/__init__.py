"""Values become text: one renderer for each format, and what is printed meanwhile."""
