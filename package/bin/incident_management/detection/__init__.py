"""Log templates, learned baselines and the replay of detections over past time."""
