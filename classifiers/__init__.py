"""Passages in, verdicts out: nothing here knows posts, policies or storage."""
