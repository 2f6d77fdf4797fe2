"""Series of a split with an embargo become windows."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from within_wf.steps import build_account_features, split_data
from within_wf.steps.context import StepContext


def test_an_embargo_is_looked_back_at_and_ends_no_window(tmp_path):
    for folder in ("dataset", "plain", "gap", "plain_features", "gap_features"):
        (tmp_path / folder).mkdir()
    draws = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "account_id": np.repeat(["a", "b"], 60),
            "date": [date(2024, 1, 1) + timedelta(days=day) for day in [*range(60)] * 2],
            "clicks": draws.integers(0, 50, 120),
            "unhealthy": draws.integers(0, 2, 120),
        }
    )
    table.write_parquet(tmp_path / "dataset/table.parquet")
    windows = {}
    for name, embargo in (("plain", {}), ("gap", {"embargo": 4})):
        config = {
            "dataset.table": {"channels": ["clicks"]},
            "dataset.series": {"channels": ["clicks"]},
            "data.split": {"strategy": "time", **embargo},
            "data.windows": {"length": 8, "train_stride": 1},
        }

        def context(inputs, output, config=config):
            return StepContext(inputs=inputs, output=output, config=config, model="account_health")

        split_data.run(context({"dataset": tmp_path / "dataset"}, tmp_path / name))
        build_account_features.run(context({"split": tmp_path / name}, tmp_path / f"{name}_features"))
        windows[name] = pl.read_parquet(tmp_path / f"{name}_features/index.parquet")
    excluded = pl.read_parquet(tmp_path / "gap/excluded.parquet")
    assert excluded.height == 16
    dropped = windows["plain"].join(windows["gap"], on=["series", "time"], how="anti")
    pairs = excluded.select(series="account_id", time="date")
    assert dropped.select("series", "time").sort("series", "time").equals(pairs.sort("series", "time"))
    assert windows["gap"].height == windows["plain"].height - 16
