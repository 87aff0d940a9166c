"""Models of what routines measure, and their fits: arrays in, values with sigmas out."""
