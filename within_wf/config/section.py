"""What every section of the configuration has in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration: no unknown key, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def said(self, always: Collection[str]) -> dict[str, Any]:
        """JSON values of the keys in ``always``, and of those that are not at their default.

        So a saved section keeps its bytes when a key is added.
        """
        values: dict[str, Any] = self.model_dump(mode="json")
        other = self.model_dump(mode="json", exclude_defaults=True)
        return {key: value for key, value in values.items() if key in always or key in other}
