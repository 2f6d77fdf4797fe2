"""What a piece of work cost: processor time, memory, energy."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
"""Where the kernel counts the energy of processor packages (Intel's and AMD's RAPL)."""


class Meters:
    """Reads the meters when it is made and again when it is asked.

    Args:
        powercap: The kernel's folder of energy counters.
    """

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._powercap = powercap
        self._began = time.time()
        self._energy = self._read_energy()

    def read(self) -> dict[str, float | int | None]:
        """What was used since.

        Returns:
            ``started_seconds`` since 1970; ``seconds``; ``cpu_seconds`` of this process from its start on and of its finished
            children; ``peak_memory_bytes``, resident, of the larger of this process and its children; ``energy_joules`` of all
            processor packages in that time, other programs' share with it, null where there is no meter that may be read.
        """
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        processor = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return {
            "started_seconds": self._began,
            "seconds": round(time.time() - self._began, 3),
            "cpu_seconds": round(processor, 3),
            "peak_memory_bytes": max(_peak_memory() or 1024 * own.ru_maxrss, 1024 * children.ru_maxrss),
            "energy_joules": self._used_energy(),
        }

    def _used_energy(self) -> float | None:
        now = self._read_energy()
        used = [(now[name][0] - before) % (wraps_at + 1) for name, (before, wraps_at) in self._energy.items() if name in now]
        return round(sum(used) / 1e6, 3) if used else None

    def _read_energy(self) -> dict[str, tuple[int, int]]:
        """Package to its counter and where that wraps, in microjoules."""
        found = {}
        for package in sorted(self._powercap.glob("*-rapl:?")):
            with suppress(OSError, ValueError):  # for root alone on most machines
                found[package.name] = (
                    int((package / "energy_uj").read_text()),
                    int((package / "max_energy_range_uj").read_text()),
                )
        return found


def _peak_memory() -> int | None:
    """The peak of this program in bytes; getrusage's also counts what the process was before it became this program."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - the kernel's
        for line in file:
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None
