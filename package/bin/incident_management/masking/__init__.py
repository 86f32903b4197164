"""Takes secrets out of text before it is logged, kept as evidence, or leaves this machine."""

from .rules import mask, mask_values

__all__ = ["mask", "mask_values"]
