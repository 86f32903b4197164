"""The recurring work of the modular input ``incident_monitor``, as a list of named duties."""
