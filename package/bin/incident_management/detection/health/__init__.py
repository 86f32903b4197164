"""How each detection does: firing, precision, silence, cost, and what would calm it."""
