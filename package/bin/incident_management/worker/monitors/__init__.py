"""The monitors of inputs.conf: run one, keep what it learned, tell of its troubles."""
