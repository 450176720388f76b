"""What a line of the log leaves out."""

from __future__ import annotations

import logging

import structlog

READYZ = "/readyz"


class WithoutProbes(logging.Filter):
    """Drops what Django and its middleware say of each unanswered probe of `/readyz`: the view says it once, with the
    parts that are not up."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.msg if isinstance(record.msg, dict) else {"request": str(record.args)}
        return READYZ not in str(said.get("request", "")) or record.levelno < logging.ERROR


class Readiness:
    """Says which parts are not up, whenever that changes; not with every probe."""

    def __init__(self) -> None:
        self.down: list[str] = []

    def is_now(self, down: list[str]) -> None:
        """Note which parts are down; none: everything is up."""
        log = structlog.get_logger(__name__)
        if down and down != self.down:
            log.warning("not_ready", down=down)
        elif self.down and not down:
            log.info("ready")
        self.down = down
