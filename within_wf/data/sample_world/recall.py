"""How much of what is planted in a sample world a validation found: for its report alone, never for what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

_KEY = {"ads": ["ad_id"], "account_days": ["account_id", "date"]}


def planted_ids(world: Path, table: str) -> dict[str, set[str]]:
    """What is planted in a table, by check, as ids.

    Args:
        world: The folder of the world.
        table: ``ads`` or ``account_days``.
    """
    truth = world / "truth"
    violations = pl.read_parquet(truth / "violations.parquet").filter(pl.col("table") == table)
    planted = {
        "violations": set(violations["id"].to_list()),
        "near_duplicates": set(violations.filter(pl.col("rule") == "duplicate")["id"].to_list()),
    }
    files = {"outliers": "outliers", "wrong_labels": "wrong_labels"} if table == "ads" else {"outliers": "anomalies"}
    for check, file in files.items():
        keys = pl.read_parquet(truth / f"{file}.parquet", columns=_KEY[table])
        ids = keys.select(pl.concat_str(pl.col(_KEY[table]).cast(pl.String), separator=" ").alias("id"))["id"]
        planted[check] = set(ids.to_list()) - planted["violations"]
    return planted


def recalled(planted: dict[str, set[str]], found: dict[str, set[str]], looked_at: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Precision and recall of each check that was made.

    Args:
        planted: As :func:`planted_ids`.
        found: Check to the ids it names.
        looked_at: Check to the ids it looked at, if not at all: what is planted elsewhere does not count.
    """
    entries = []
    for check, named in found.items():
        true = planted[check] & looked_at.get(check, planted[check])
        hits = len(true & named)
        entries.append(
            {
                "check": check,
                "planted": len(true),
                "found": len(named),
                "right": hits,
                "precision": hits / len(named) if named else None,
                "recall": hits / len(true) if true else None,
            }
        )
    return entries
