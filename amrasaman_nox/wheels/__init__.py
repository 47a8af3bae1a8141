"""What a wheel is: strict reading, canonical form, differences."""
