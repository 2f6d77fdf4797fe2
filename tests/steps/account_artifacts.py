"""Small artifacts in the formats the steps of the account health model read."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from within_wf.config.dataset import SeriesTable
from within_wf.features.windows import WindowBuilder
from within_wf.store.canonical import write_parquet, write_tensors


def write_account_features(folder: Path, series: int = 4, moments: int = 100) -> pl.DataFrame:
    """Write what build_account_features makes: windows of which a quarter is in trouble, with a sinking first channel."""
    folder.mkdir()
    random = np.random.default_rng(0)
    count = series * moments
    label = (np.arange(count) % 16 < 4).astype(np.int64)
    x = random.normal(size=(count, 8, 2)).astype(np.float32)
    x[:, :, 0] -= label[:, None] * np.linspace(0, 3, 8, dtype=np.float32)
    features = np.concatenate([x[:, -1], x.mean(axis=1)], axis=1)
    days = [date(2024, 1, 1) + timedelta(days=d) for d in range(moments)]
    split = ["train" if d < 60 else "validation" if d < 80 else "test" for d in range(moments)]
    index = pl.DataFrame(
        {
            "series": [f"account-{s}" for s in range(series) for _ in range(moments)],
            "time": days * series,
            "split": split * series,
            "label": label,
        }
    )
    write_tensors(folder / "windows.safetensors", {"x": x, "features": features, "label": label})
    write_parquet(folder / "index.parquet", index)
    roles = SeriesTable(channels=["clicks"])
    WindowBuilder(roles).fit(pl.DataFrame({"clicks": random.normal(size=50)})).save(folder / "preprocessor")
    return index
