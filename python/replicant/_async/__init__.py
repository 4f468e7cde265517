"""Clients, namespaces and objects whose methods are awaited."""
