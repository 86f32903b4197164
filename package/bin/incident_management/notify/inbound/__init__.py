"""What happens to an incident's ticket in the service that keeps it, and comes back."""
