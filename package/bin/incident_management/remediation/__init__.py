"""Fixes as contracts: a catalogue, plans made from it, approval, one execution, and its proof."""
