"""What runs inside an app's process to speak with the stand-in. Python 3.9 and 3.13."""
