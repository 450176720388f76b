"""Availability and assignment as arithmetic: no database, no clock, no texts (import contract 7).

Instants are whole seconds since 1970 (UTC); intervals are half-open. Callers round so that time is closed rather
than opened: starts down, ends up.
"""
