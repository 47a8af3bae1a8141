"""What a project is checked for before it is released."""
