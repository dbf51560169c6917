"""Typed Python client for the OpenCode server."""
