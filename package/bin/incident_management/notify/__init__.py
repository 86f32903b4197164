"""Tells people: timeline entries become notifications, notifications become messages.

``announce`` puts what the routing wants told on the outbox, ``outbox`` delivers it once, and one
module a service knows how that service is spoken to.
"""
