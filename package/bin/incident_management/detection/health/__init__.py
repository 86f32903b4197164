"""The health of each detection: firing, precision, silence, cost, and what would calm it."""
