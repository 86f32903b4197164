"""An incident afterwards: its review, which its timeline writes, and what is still to be done."""
