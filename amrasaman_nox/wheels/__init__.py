"""What a wheel is: read strictly, written in canonical form."""
