"""Evidence finders: each module answers one question about an incident.

A finder is a module with ``NAME``, ``LOOKS_FOR`` and ``find(scope) -> Finding``. It searches with
the caller's rights, and says what it looked for, what it found and what it did not find.
"""
