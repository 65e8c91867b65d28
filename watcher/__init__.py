"""Watches schools' social media and brings each matter to the person whom the school's own policy names."""

__version__ = "0.1.0"
