"""Logging for training outside the workflow: a line a person reads, and a line of JSON in a file."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from within_wf.errors import ConfigError, Problem
from within_wf.store.redaction import redact

LOGGER = "training"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A JSON object a record: timestamp (UTC), level, logger, module, function, message, exception, what ``extra`` gives."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, without credentials."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "timestamp": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "module": record.module,
            "function": record.funcName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        return redact(json.dumps(line, default=str, ensure_ascii=False))


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def setup_logging(log_dir: str | Path, log_level: str = "INFO") -> logging.Logger:
    """Set up the logger of training; calling it again replaces what an earlier call set up.

    Args:
        log_dir: The folder that ``training.log`` is appended to.
        log_level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.

    Returns:
        The logger ``training``.

    Raises:
        ConfigError: The level is none of these.
    """
    level = log_level.upper()
    if level not in LEVELS:
        raise ConfigError("logging cannot be set up", [Problem("log_level", repr(log_level), f"one of {', '.join(LEVELS)}")])
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(LOGGER)
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)
    logger.propagate = False
    console = logging.StreamHandler()
    console.setFormatter(_Plain("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
    file = logging.FileHandler(folder / "training.log", encoding="utf-8")
    file.setFormatter(JsonFormatter())
    logger.addHandler(console)
    logger.addHandler(file)
    return logger
