"""Notifies people: timeline entries become notifications, notifications become messages.

``announcing`` puts the notifications that the routing asks for on the outbox, ``delivery`` sends
each of them once, and ``services`` has one module for each service.
"""
