"""Ends the whole run with SIGKILL at a chosen moment of a chosen step; put on PYTHONPATH by the tests, never otherwise.

``WITHIN_CHAOS`` says which step and when: ``STEP DELAY`` kills so many seconds after the step's interpreter started,
``STEP blobs`` between the move of its blobs into the store and the action record. ``WITHIN_CHAOS_MARK`` is written just before.
"""

import os
import signal
import sys
import threading
import time


def strike() -> None:
    with open(os.environ["WITHIN_CHAOS_MARK"], "w", encoding="ascii") as mark:  # noqa: PTH123 - nothing more is imported into every interpreter
        mark.write("struck")
        mark.flush()
        os.fsync(mark.fileno())
    os.killpg(int(os.environ["WITHIN_CHAOS_GROUP"]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def strike_before_the_record() -> None:
    from within_wf.store import commit

    def struck(*_: object) -> None:
        strike()

    commit._write_record = struck


def strike_later(delay: float) -> None:
    time.sleep(delay)
    strike()


def main() -> None:
    wish = os.environ.get("WITHIN_CHAOS", "").split()
    words = sys.orig_argv
    if not wish or "within_wf.steps.execute" not in words or wish[0] not in words:
        return
    if wish[1] == "blobs":
        strike_before_the_record()
    else:
        threading.Thread(target=strike_later, args=(float(wish[1]),), daemon=True).start()


main()
