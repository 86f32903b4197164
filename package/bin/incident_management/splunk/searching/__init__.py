"""SPL built from escaped parts; searches, detections and their runs."""
