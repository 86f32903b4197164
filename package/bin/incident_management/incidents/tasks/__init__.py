"""Who does what in an incident: tasks, the steps of checklists among them, and roles."""
