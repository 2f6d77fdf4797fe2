"""A Parquet file of ads held against its contract, beside the same checks by hand and by other libraries.

    python benchmarks/validation.py [ROWS]

Twelve columns, every check of the contract, ids exactly unique; the file is sound. Each measurement is a process of its own: it
validates once untimed and once timed, and its peak memory is what the kernel says of it. The candidates take turns. pydantic
goes row by row through a sample, and its time is scaled up. The bounds: 1.5 times polars by hand, 1.5 GiB, faster than
pandera, 100 times faster than the loop.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from common.measure import write_down

ROUNDS = 3
LOOPED = 50_000
"""Rows that the loop goes through."""
AT_ONCE = 500_000
REQUIRED = ("ad_id", "platform", "impressions", "clicks", "spend", "start_date", "end_date")


def write_ads(path: Path, rows: int) -> None:
    """Sound ads, in pieces."""
    draws = np.random.default_rng(0)
    platforms, industries = np.array(["display", "search", "social", "short_video"]), np.array(["fashion", "travel", "games"])
    writer = None
    for begin in range(0, rows, AT_ONCE):
        n = min(AT_ONCE, rows - begin)
        number = np.arange(begin, begin + n)
        impressions = draws.integers(0, 1_000_000, n)
        days = draws.integers(19_000, 20_000, n).astype("datetime64[D]")
        piece = pl.DataFrame(
            {
                "ad_id": pl.select(pl.format("ad-{}", pl.Series(number).cast(pl.String).str.zfill(9))).to_series(),
                "account_id": pl.select(pl.format("account-{}", pl.Series(number // 50))).to_series(),
                "campaign_id": pl.select(pl.format("campaign-{}", pl.Series(number // 10))).to_series(),
                "platform": platforms[draws.integers(0, 4, n)],
                "industry": industries[draws.integers(0, 3, n)],
                "impressions": impressions,
                "clicks": (impressions * draws.uniform(0, 0.1, n)).astype(np.int64),
                "conversions": draws.integers(0, 50, n),
                "spend": draws.uniform(0, 1000, n).round(2),
                "start_date": days,
                "end_date": days + draws.integers(0, 60, n),
                "effectiveness": draws.uniform(0, 100, n).round(1),
            }
        ).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, piece.schema, compression="zstd")
        writer.write_table(pa.table(piece))
    if writer is not None:
        writer.close()


def ours(path: Path) -> int:
    """The contract, compiled."""
    from within_wf.data.scan import scan_violations

    return sum(each.count for each in scan_violations(path, "ad_performance"))


def by_hand(path: Path) -> int:
    """The same checks as a person writes them."""
    c = pl.col
    low = [(c(name) < 0).sum().alias(f"{name} negative") for name in ("impressions", "clicks", "conversions", "spend")]
    wild = [
        expression.sum().alias(f"{name} {what}")
        for name in ("spend", "effectiveness")
        for what, expression in (("finite", ~c(name).is_finite()), ("large", c(name).abs() > 1e100))
    ]
    found = (
        pl.scan_parquet(path)
        .select(
            *(c(name).null_count().alias(f"{name} missing") for name in REQUIRED),
            *low,
            *wild,
            (c("ad_id") == "").sum().alias("empty"),
            ((c("effectiveness") < 0) | (c("effectiveness") > 100)).sum().alias("range"),
            (c("clicks") > c("impressions")).sum().alias("clicks"),
            (c("start_date") > c("end_date")).sum().alias("dates"),
            (c("ad_id").count() - c("ad_id").drop_nulls().n_unique()).alias("duplicate"),
        )
        .collect(engine="streaming")
    )
    return int(sum(found.row(0)))


def pandera(path: Path) -> int:
    """The same checks in pandera on polars."""
    import pandera.polars as pa_

    whole = pa_.Check.ge(0)
    sane = [pa_.Check.ge(0), pa_.Check.le(1e100)]
    schema = pa_.DataFrameSchema(
        {
            "ad_id": pa_.Column(pl.String, pa_.Check.str_length(min_value=1), unique=True),
            "platform": pa_.Column(pl.String),
            "impressions": pa_.Column(pl.Int64, whole),
            "clicks": pa_.Column(pl.Int64, whole),
            "conversions": pa_.Column(pl.Int64, whole, nullable=True),
            "spend": pa_.Column(pl.Float64, sane),
            "start_date": pa_.Column(pl.Date),
            "end_date": pa_.Column(pl.Date),
            "effectiveness": pa_.Column(pl.Float64, [pa_.Check.ge(0), pa_.Check.le(100)], nullable=True),
        },
        checks=[
            pa_.Check(lambda data: data.lazyframe.select(pl.col("clicks") <= pl.col("impressions"))),
            pa_.Check(lambda data: data.lazyframe.select(pl.col("start_date") <= pl.col("end_date"))),
        ],
    )
    schema.validate(pl.read_parquet(path), lazy=True)
    return 0


def loop(path: Path) -> int:
    """pydantic, row by row; of a sample."""
    from within_wf.data.schemas import AdPerformanceSchema

    for row in pl.read_parquet(path, n_rows=LOOPED).iter_rows(named=True):
        AdPerformanceSchema.model_validate(row)
    return 0


CANDIDATES: dict[str, Callable[[Path], int]] = {
    "within_wf": ours,
    "polars by hand": by_hand,
    "pandera on polars": pandera,
    "pydantic, row by row": loop,
}


def measure(name: str, path: Path) -> None:
    """One measurement, in this process; prints it as JSON."""
    call = CANDIDATES[name]
    broken = call(path)
    began = time.perf_counter()
    call(path)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak": peak, "broken": broken}))


def main() -> int:
    """Measure, print and write down; 1 where a bound does not hold."""
    if len(sys.argv) == 4:
        measure(sys.argv[2], Path(sys.argv[3]))
        return 0
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ads.parquet")
        subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
                        f"from pathlib import Path; from validation import write_ads; write_ads(Path({str(path)!r}), {rows})"],
                       check=True)  # fmt: skip
        size = path.stat().st_size
        for _ in range(ROUNDS):
            for name in CANDIDATES:
                done = subprocess.run([sys.executable, __file__, "--one", name, str(path)], check=True, capture_output=True)
                found[name].append(json.loads(done.stdout))
    scale = {name: rows / min(rows, LOOPED) if name.startswith("pydantic") else 1.0 for name in CANDIDATES}
    seconds = {name: scale[name] * statistics.median(each["seconds"] for each in found[name]) for name in CANDIDATES}
    peaks = {name: max(each["peak"] for each in found[name]) for name in CANDIDATES}
    assert all(each["broken"] == 0 for runs in found.values() for each in runs)
    mine = seconds["within_wf"]
    lines = [
        f"{rows:,} rows x 12 columns, {size / 2**20:,.0f} MiB of Parquet; medians of {ROUNDS} runs, peaks the highest.",
        "",
    ]
    lines += ["| | seconds | times within_wf | peak, MiB |", "|---|---:|---:|---:|"]
    for name in CANDIDATES:
        peak = "–" if scale[name] > 1 else f"{peaks[name]:,.0f}"
        said = f"{name}, {LOOPED:,} rows scaled up" if scale[name] > 1 else name
        lines.append(f"| {said} | {seconds[name]:,.2f} | {seconds[name] / mine:,.2f} | {peak} |")
    holds = {
        "at most 1.5 times polars by hand": mine <= 1.5 * seconds["polars by hand"],
        "under 1,536 MiB": peaks["within_wf"] < 1536,
        "faster than pandera": mine < seconds["pandera on polars"],
        "100 times as fast as the loop": 100 * mine <= seconds["pydantic, row by row"],
    }
    lines += ["", *(f"- {bound}: {'holds' if is_so else 'falls short'}" for bound, is_so in holds.items())]
    write_down("validation", "Validating a large file", lines)
    return int(not all(holds.values()))


if __name__ == "__main__":
    sys.exit(main())
