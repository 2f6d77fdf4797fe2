"""Keeps credentials out of what is printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

_SECRET_NAME = re.compile(
    r"secret|token|password|passwd|credential|signature|access_?key|account_?key|api_?key|^key$", re.IGNORECASE
)
_IN_URL = re.compile(r"(?<=://)[^@\s]+(?=@)")  # up to the @ even past a slash, which careless passwords hold
_IN_QUERY = re.compile(r"([?&;][^=&\s]*(?:signature|credential|token|secret|key|sig)[^=&\s]*=)[^&\s'\"]+", re.IGNORECASE)


def redact(text: str, options: Mapping[str, object] | None = None) -> str:
    """``text`` with ``***`` in place of credentials.

    Credentials are the values of environment variables and options whose names say so, user and password in a URL,
    and signatures and tokens in a URL's query.

    Args:
        text: What is about to be printed.
        options: The options of a remote file system, nested as they like.
    """
    for secret in sorted({*_secrets(os.environ), *_secrets(options or {})}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _IN_QUERY.sub(r"\1***", _IN_URL.sub("***", text))


def _secrets(options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, str) and len(value) >= 4 and _SECRET_NAME.search(name):
            yield value
