"""A plugin of pytest (``-p tests.ops.few_examples``): hypothesis tries few examples, whatever a test asks for.

For runs under sanitizers, where each takes ten times as long.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from hypothesis import settings

MOST = 8
_init = settings.__init__


@wraps(_init)
def _with_few(self: settings, *arguments: Any, **keywords: Any) -> None:
    if isinstance(keywords.get("max_examples"), int):
        keywords["max_examples"] = min(keywords["max_examples"], MOST)
    _init(self, *arguments, **keywords)


settings.__init__ = _with_few  # type: ignore[method-assign]
settings.register_profile("few", max_examples=MOST, deadline=None)
settings.load_profile("few")
