"""Fixes of AWS services."""
