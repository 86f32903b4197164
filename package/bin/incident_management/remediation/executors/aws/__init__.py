"""Fixes of services of AWS."""
