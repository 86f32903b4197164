"""Turns findings into signals, and signals into incidents; safe to repeat at any point."""
