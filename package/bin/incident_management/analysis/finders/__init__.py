"""Evidence finders: one question about an incident a file, each with the same shape.

A finder is a module with ``NAME``, ``LOOKS_FOR`` and ``find(scope) -> Finding``. It searches with
the rights of the person who asked, and says what it looked for, what it found and what it did not.
"""
