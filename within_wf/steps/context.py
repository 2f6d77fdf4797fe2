"""What a step is given: nothing else reaches it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from pydantic import TypeAdapter

from within_wf.errors import WithinError

if TYPE_CHECKING:
    from within_wf.config.reproducibility import Arithmetic

T = TypeVar("T")


@dataclass(frozen=True)
class StepContext:
    """The inputs, parameters and scratch directory of one step.

    Attributes:
        inputs: Label to the directory of an upstream artifact, read-only; optional inputs that are not planned are missing.
        output: An empty directory; what stands in it when the step returns is the artifact.
        config: The sections the step declared in the catalogue, as JSON values by path; ``dataset.table`` is the model's table.
        model: The model the step is made for; none for a step of the whole dataset.
        sources: Raw files by their name in the dataset's configuration; for ``read_source`` alone.
        threads: The cores the step may use; never changes its bytes.
        name: What the step is made for, ``<dataset>`` or ``<dataset>.<model>``; stands before what it says.
    """

    inputs: Mapping[str, Path]
    output: Path
    config: Mapping[str, object]
    model: Literal["ad_score", "account_health"] | None = None
    sources: Mapping[str, Path] = field(default_factory=dict)
    threads: int = 1
    name: str = ""

    def section(self, path: str, kind: type[T]) -> T:
        """The section of the configuration at ``path``, typed.

        Raises:
            WithinError: The step did not declare that it reads ``path``, so it is not part of its key.
        """
        if path not in self.config:
            raise WithinError(
                f"the step reads {path}, which it does not declare; "
                f"add it to `reads` in within_wf/steps/catalog.py (declared: {', '.join(sorted(self.config)) or 'nothing'})"
            )
        return TypeAdapter(kind).validate_json(json.dumps(self.config[path]))

    @property
    def arithmetic(self) -> Arithmetic:
        """What networks compute in; a step that asks declares that it reads ``reproducibility.arithmetic``."""
        return cast("Arithmetic", self.section("reproducibility.arithmetic", str))

    def say(self, message: str) -> None:
        """Tell the person who waits what is being done."""
        print(f"[{self.name}] {message}" if self.name else message, file=sys.stderr, flush=True)  # noqa: T201


class Progress:
    """Says how far a long loop is, at most once a second.

    Args:
        context: Where to say it.
        what: What is being counted: ``embedding texts``.
        total: How many there are.
    """

    def __init__(self, context: StepContext, what: str, total: int) -> None:
        self._context, self._what, self._total = context, what, total
        self._done = 0
        self._said = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more as done."""
        self._done += count
        now = time.monotonic()
        if now - self._said >= 1 or self._done == self._total:
            self._said = now
            self._context.say(f"{self._what}: {self._done:,} of {self._total:,}")
