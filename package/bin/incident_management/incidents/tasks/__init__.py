"""Tasks, including the steps of checklists, and roles of an incident."""
