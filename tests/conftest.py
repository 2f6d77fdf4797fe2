"""What holds for all tests: a busy machine is no failure of hypothesis; what takes long in one piece comes first."""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # a GPU is checked without it
    from hypothesis import settings

    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")

LONG = ("tests/ops/test_sanitizers.py", "tests/chaos/", "tests/workflow/")
"""Files whose tests or fixtures take minutes each: begun last, they would leave a worker alone."""


def pytest_collection_modifyitems(items):
    """Put them first, for each worker alike."""
    items.sort(key=lambda item: next((place for place, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG)))
