"""Fixes: the catalogue, plans made from it, approval, one execution, verification, rollback."""
