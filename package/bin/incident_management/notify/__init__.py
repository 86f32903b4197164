"""Notifies people: timeline entries become notifications, notifications become messages.

``announcing`` enqueues the notifications that the routing asks for, ``delivery`` sends each of them
once, and ``services`` has one module for each service.
"""
