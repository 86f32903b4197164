"""What carries fixes out: one executor a file, on the shape that :mod:`.executor` gives them."""
