"""The demo: real services that break for real, and the whole loop that finds and mends them."""
