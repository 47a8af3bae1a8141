"""What an sdist is: read strictly, unpacked, written in canonical form."""
