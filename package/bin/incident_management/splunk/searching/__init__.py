"""SPL out of escaped parts; searches, the detections that run them, and their runs."""
