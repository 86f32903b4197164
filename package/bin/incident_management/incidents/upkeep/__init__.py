"""What happens to incidents by themselves: quiet ones end, old ones go, history stays."""
