"""The monitors of inputs.conf: run one, keep its state, report its troubles."""
