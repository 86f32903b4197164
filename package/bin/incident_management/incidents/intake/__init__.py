"""From findings to signals, and from signals to incidents: written once, safe to repeat."""
