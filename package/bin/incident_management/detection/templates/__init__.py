"""Log templates: find which lines are the same sentence with other values."""
