"""Log templates: which lines are the same sentence with other values."""
