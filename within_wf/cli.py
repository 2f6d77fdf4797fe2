"""``within-wf …``: the one command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; every error a person can cure is one message and a documented exit code."""
    from within_wf.errors import WithinError

    try:
        # Every rule calls `step`: it leaves before the other commands are even imported.
        if sys.argv[1:2] == ["step"]:
            from within_wf.steps.runner import run

            sys.exit(run(sys.argv[2:]))
        from within_wf.commands import app

        app()
    except WithinError as error:
        print(f"within-wf: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
