"""The facility file: read, checked with all its errors at once, held as a frozen value."""
