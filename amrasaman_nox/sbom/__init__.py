"""What wheels were made of, as a software bill of materials (SBOM)."""
