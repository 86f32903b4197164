"""How data comes in: files that are watched, the HTTP Event Collector, and how text is broken."""
