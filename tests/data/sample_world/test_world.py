"""A world is a pure function of its size and seed, and its tables fit together."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from within_wf.config.dataset import SampleWorldSource
from within_wf.data.sample_world import simulate
from within_wf.steps import simulate_world
from within_wf.steps.context import StepContext

MEASURES = ["impressions", "clicks", "conversions", "spend"]
FILES = {
    "accounts.parquet",
    "account_days.parquet",
    "ads.parquet",
    "annotations.parquet",
    "creatives.parquet",
    "days.parquet",
    "industry_benchmarks.parquet",
    "truth/anomalies.parquet",
    "truth/best_score.json",
    "truth/drift.json",
    "truth/effectiveness.parquet",
    "truth/failing_accounts.parquet",
    "truth/intervention.json",
    "truth/outliers.parquet",
    "truth/unfair_group.json",
    "truth/violations.parquet",
    "truth/wrong_labels.parquet",
}


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def drawn(folder: Path, rows: int, seed: int, **options: int) -> dict[str, str]:
    folder.mkdir()
    simulate(rows, seed, folder, **options)
    return digests(folder)


def test_same_size_and_seed_give_the_same_bytes_in_any_pieces(world: Path, tmp_path: Path) -> None:
    first = digests(world)
    assert set(first) == FILES
    assert drawn(tmp_path / "again", 2000, 42) == first
    assert drawn(tmp_path / "pieces", 2000, 42, rows_at_once=150) == first


def test_another_seed_gives_another_world(world: Path, tmp_path: Path) -> None:
    other = drawn(tmp_path / "other", 2000, 43)
    same = {name for name, digest in digests(world).items() if other[name] == digest}
    assert same <= {"industry_benchmarks.parquet", "truth/drift.json", "truth/unfair_group.json"}


def test_bytes_do_not_depend_on_the_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from within_wf.data.sample_world import simulate; "
    code += "simulate(200, 7, Path(sys.argv[1]))"
    (tmp_path / "child").mkdir()
    root = Path(simulate_world.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "child")], check=True, cwd=root)
    assert digests(tmp_path / "child") == drawn(tmp_path / "here", 200, 7)


@pytest.mark.parametrize("rows", [200, 500, 999, 1000, 3333, 20_000])
def test_every_row_is_a_day_of_an_ad_within_its_dates(tmp_path: Path, rows: int) -> None:
    drawn(tmp_path / "world", rows, 1)
    days = pl.read_parquet(tmp_path / "world" / "days.parquet")
    ads = pl.read_parquet(tmp_path / "world" / "ads.parquet").unique("ad_id", keep="first", maintain_order=True)
    assert days.height == rows
    assert days.select("ad_id", "date").is_unique().all()
    counted = days.group_by("ad_id").agg(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"), pl.len())
    joined = ads.join(counted, on="ad_id", how="left")
    sound = joined.filter(pl.col("end_date") >= pl.col("start_date"))
    assert sound.height >= ads.height - ads.height // 50 - 1
    assert sound.filter((pl.col("start_date") != pl.col("first")) | (pl.col("end_date") != pl.col("last"))).is_empty()
    assert sound.filter((pl.col("last") - pl.col("first")).dt.total_days() + 1 != pl.col("len")).is_empty()


def test_nothing_is_clicked_unseen_or_converted_unclicked(world: Path) -> None:
    days = pl.read_parquet(world / "days.parquet")
    assert days.filter((pl.col("clicks") > pl.col("impressions")) | (pl.col("conversions") > pl.col("clicks"))).is_empty()
    assert days.select(pl.min_horizontal(pl.col(MEASURES).min())).item() >= 0
    assert days.null_count().sum_horizontal().item() == 0


def test_days_of_accounts_are_the_sums_of_the_days_of_ads(world: Path) -> None:
    days, wrong = cents(pl.read_parquet(world / "days.parquet")), violations(world, "account_days")
    reported = cents(pl.read_parquet(world / "account_days.parquet"))
    sums = days.group_by("account_id", "date").agg(pl.col(MEASURES).sum())
    merged = reported.join(sums, on=["account_id", "date"], how="left", suffix="_sum").with_columns(
        pl.col([f"{m}_sum" for m in MEASURES]).fill_null(0)
    )
    off = pl.any_horizontal(pl.col(m).ne_missing(pl.col(f"{m}_sum")) for m in MEASURES)
    found = merged.filter(off).select(pl.concat_str("account_id", pl.col("date").cast(pl.String), separator=" ").alias("id"))
    assert set(found["id"]) == set(wrong.filter(pl.col("rule") != "duplicate")["id"])


def test_ads_are_the_sums_of_their_days(world: Path) -> None:
    days, wrong = cents(pl.read_parquet(world / "days.parquet")), violations(world, "ads")
    reported = cents(pl.read_parquet(world / "ads.parquet"))
    sums = days.group_by("ad_id").agg(pl.col(MEASURES).sum())
    merged = reported.join(sums, on="ad_id", how="left", suffix="_sum")
    measured = merged.filter(pl.col("conversions").is_not_null())
    assert measured.filter(pl.col("conversions") != pl.col("conversions_sum")).is_empty()
    off = pl.any_horizontal(pl.col(m).ne_missing(pl.col(f"{m}_sum")) for m in ("impressions", "clicks", "spend"))
    expected = set(wrong.filter(pl.col("column").is_in(["impressions", "clicks", "spend"]))["id"])
    outliers = set(pl.read_parquet(world / "truth" / "outliers.parquet")["ad_id"])
    assert set(merged.filter(off)["ad_id"]) == expected | outliers


def test_small_worlds_can_still_be_divided(world: Path) -> None:
    ads, days = pl.read_parquet(world / "ads.parquet"), pl.read_parquet(world / "account_days.parquet")
    assert ads["ad_id"].n_unique() >= 150
    spans = days.unique(["account_id", "date"]).group_by("account_id").len()
    assert spans.height >= 8
    assert spans["len"].min() == spans["len"].max() == 120
    times = days.select(pl.col("unhealthy"), (pl.col("date") - pl.col("date").min()).dt.total_days().alias("day"))
    for begin, end in ((0, 76), (76, 96), (96, 120)):
        part = times.filter((pl.col("day") >= begin) & (pl.col("day") < end))["unhealthy"]
        assert 0 < part.sum() < part.len() / 2


def test_tables_refer_to_each_other(world: Path) -> None:
    ads, accounts = pl.read_parquet(world / "ads.parquet"), pl.read_parquet(world / "accounts.parquet")
    creatives, annotations = pl.read_parquet(world / "creatives.parquet"), pl.read_parquet(world / "annotations.parquet")
    assert set(ads["account_id"]) == set(accounts["account_id"])
    assert set(ads["creative_id"]) == set(creatives["creative_id"])
    assert set(annotations["ad_id"]) == set(ads["ad_id"])
    assert ads.join(accounts, on="account_id").filter(pl.col("industry") != pl.col("industry_right")).is_empty()
    counted = annotations.group_by("ad_id").len("people")
    assert ads.join(counted, on="ad_id").filter(pl.col("people") != pl.col("annotators")).is_empty()
    assert annotations.select("ad_id", "annotator_id").is_unique().all()


def test_creatives_are_square_colour_pictures(world: Path) -> None:
    pictures = pl.read_parquet(world / "creatives.parquet")["png"]
    assert pictures.n_unique() == pictures.len()
    for png in pictures.head(5):
        with Image.open(io.BytesIO(png)) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (224, 224))
            assert np.asarray(image).std() > 10


def test_ads_read_differently(world: Path) -> None:
    ads = pl.read_parquet(world / "ads.parquet").unique("ad_id")
    assert ads.select(pl.struct("headline", "body").n_unique()).item() == ads.height
    assert ads.filter(pl.col("headline").str.contains("[{}]") | pl.col("body").str.contains("[{}]")).is_empty()


def test_step_draws_the_world_of_its_dataset(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = SampleWorldSource(kind="sample_world", rows=2000, seed=42)
    config = {"dataset.source": source.model_dump(mode="json")}
    simulate_world.run(StepContext(inputs={}, output=tmp_path, config=config))
    assert digests(tmp_path) == digests(world)
    assert "drawing creatives: 176 of 176" in capsys.readouterr().err


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from within_wf.data.sample_world import world;"
        "from within_wf.tracking.meters import Meters; meters = Meters();"
        "world._write_creatives = lambda *a: None;"
        "world.simulate(1_000_000, 42, Path(sys.argv[1]));"
        "print(meters.read()['peak_memory_bytes'] // 2**20)"
    )
    root = Path(simulate_world.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root, capture_output=True, text=True)
    assert int(done.stdout) < 700
    assert pl.scan_parquet(tmp_path / "days.parquet").select(pl.len()).collect().item() == 1_000_000


def cents(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns((pl.col("spend") * 100).round().cast(pl.Int64))


def violations(world: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(world / "truth" / "violations.parquet").filter(pl.col("table") == table)
