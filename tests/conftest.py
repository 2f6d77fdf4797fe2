"""What holds for all tests: a busy machine is no failure of hypothesis, which sets no deadline."""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # a GPU is checked without it
    from hypothesis import settings

    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")
