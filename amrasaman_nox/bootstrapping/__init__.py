"""Build requirements from source, to a fixed point: the command, its proofs, and what they show."""
