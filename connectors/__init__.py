"""Reads platforms: one module a platform, each turning what the platform sent into posts."""
