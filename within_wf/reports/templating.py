"""How pages are made of templates: what comes from data is escaped, a name that is not there is an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.reports.wording import called, count, number, words

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def environment(*folders: Path) -> Environment:
    """Jinja with the wording of pages as filters; ``folders`` are looked through in their order."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(number=number, count=count, words=words, called=called)
    return made
