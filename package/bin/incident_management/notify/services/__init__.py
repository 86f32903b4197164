"""Sends messages to services: one module for each channel, and what several of them share."""
