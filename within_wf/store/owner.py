"""Who holds a claim or a scratch directory, and whether that process still lives."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Life = Literal["alive", "dead", "unknown"]


@dataclass(frozen=True)
class Owner:
    """One holder.

    Attributes:
        host: The machine's name, for people.
        boot: The machine's boot id.
        space: The space its process ids count in (containers of one machine have several).
        pid: The process.
        started: When the process started, in clock ticks since boot: a pid used again has another.
        nonce: Unlike that of any other holder, even in the same process.
    """

    host: str
    boot: str
    space: str
    pid: int
    started: str
    nonce: str

    @classmethod
    def me(cls) -> Owner:
        """This process, as a new holder."""
        started = _process(os.getpid())
        return cls(os.uname().nodename, _boot(), _space(), os.getpid(), started or "", os.urandom(16).hex())

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Owner:
        """The owner that `to_json` wrote.

        Raises:
            ValueError: ``text`` is something else.
        """
        value = json.loads(text)
        names = cls.__dataclass_fields__
        if not isinstance(value, dict) or set(value) != set(names):
            raise ValueError(f"an owner has {', '.join(names)}")
        if type(value["pid"]) is not int or not all(isinstance(value[name], str) for name in names if name != "pid"):
            raise ValueError("an owner's pid is a number and the rest is text")
        return cls(**value)

    def life(self) -> Life:
        """Whether the process lives; unknown for one of another machine, boot or container."""
        if not self.boot or not self.space or not self.started or (self.boot, self.space) != (_boot(), _space()):
            return "unknown"
        started = _process(self.pid)
        if started is None and _is_hidden(self.pid):
            return "unknown"
        return "alive" if started == self.started else "dead"

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _is_hidden(pid: int) -> bool:
    """Whether a process of another user is there that /proc does not show (its ``hidepid`` option)."""
    if Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _process(pid: int) -> str | None:
    """When a process started; none where it is gone, or dead and only waits for its parent to notice."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name in brackets may hold anything
    return None if fields[0] in "ZX" else fields[19]
