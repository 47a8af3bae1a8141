"""One checked value from options, noxfile, pyproject.toml and variables."""
