"""Logs on standard error: an event word and keys; never the text of a post, never a secret."""

from __future__ import annotations

import logging
import sys

import structlog


def begin(level: str = "info") -> None:
    """Start logging from this level on; libraries speak from "warning" on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=max(number, logging.WARNING))
    # tweepy writes its Authorization header at DEBUG; httpx the whole address, which may hold a secret, at INFO.
    for name in ("tweepy", "httpx", "httpcore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns at every tick that a round under way swallows, which is what ticking is about.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
