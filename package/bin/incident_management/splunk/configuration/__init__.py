"""What administrators have set: .conf files, settings, secrets, and the topology."""
