"""Tells people: timeline entries become notifications, notifications become messages.

``announcing`` puts what the routing wants told on the outbox, ``delivery`` takes each from there
once, and one module of ``services`` a service knows how that service is spoken to.
"""
