"""From pins to verified, unpacked bytes."""
