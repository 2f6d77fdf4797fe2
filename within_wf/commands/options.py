"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Dataset = Annotated[str | None, typer.Option(help="The dataset, where several were run.")]
