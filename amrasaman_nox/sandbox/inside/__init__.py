"""Programs that run in the sandbox, under the Python of the build."""
