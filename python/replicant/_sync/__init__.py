# Derived from _async/__init__.py by python/scripts/unasync.py: change that file, not this one.
"""Clients, namespaces and objects whose methods are awaited."""
