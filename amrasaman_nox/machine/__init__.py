"""What this machine has of what builds and rebuilds use."""
