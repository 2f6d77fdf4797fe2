"""Metrics beside scikit-learn's and scipy's, in turn.

    python benchmarks/metrics.py [ROUNDS [FAMILY …]]

The floor is the time in which the bytes that must be read are copied. What is measured of a family stays on the page until
it is measured again.
"""

from __future__ import annotations

import sys
from importlib import import_module

from common.measure import RESULTS, write_down

from within_wf.ops.instruction_set import instruction_set

FAMILIES = ("binary",)
"""Modules of ``metric_families``."""


def kept(title: str) -> list[str]:
    """What the page has of a family already."""
    page = RESULTS / "metrics.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    _, found, rest = text.partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0].strip("\n").split("\n") if found else []


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    wanted = sys.argv[2:] or FAMILIES
    lines = [f"Kernels: {instruction_set()}."]
    for name in FAMILIES:
        family = import_module(f"metric_families.{name}")
        measured = family.measure(rounds) if name in wanted else kept(family.TITLE)
        lines += ["", f"## {family.TITLE}", "", *measured]
    write_down("metrics", "Metrics", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
