"""What holds for all tests: a busy machine is no failure of hypothesis; what takes long comes first, on one run together."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest

with suppress(ImportError):  # a GPU is checked without it
    from hypothesis import settings

    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")

LONG = ("tests/ops/test_sanitizers.py", "tests/chaos/", "tests/workflow/")
"""Files whose tests or fixtures take minutes each: begun last, they would leave a worker alone."""


def pytest_collection_modifyitems(items):
    """Put them first, for each worker alike."""
    items.sort(key=lambda item: next((place for place, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG)))


ON_ONE_RUN = tuple(f"tests/workflow/test_{name}.py" for name in ("changes", "digests", "two_runs", "whole_run"))
"""Files that compare with one finished run: while a worker makes it, another would wait for it."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Scopes are files, and those on one run are one."""
    from xdist.scheduler import LoadScopeScheduling

    class Scopes(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "on one run" if nodeid.startswith(ON_ONE_RUN) else super()._split_scope(nodeid)

    return Scopes(config, log)


@pytest.fixture(scope="session")
def s3_server():
    """The URL of an S3 server."""
    code = (
        "from moto.server import ThreadedMotoServer; import sys; "
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False); server.start(); "
        "print(server.get_host_and_port()[1], flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.kill()
    process.communicate()
