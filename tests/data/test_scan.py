"""A file is found wrong where a table with its rows is."""

import polars as pl
import pytest

from within_wf.data.layout import contract_layout
from within_wf.data.sample_world.world import simulate
from within_wf.data.scan import scan_violations
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validator import check_rows
from within_wf.errors import DatasetNotFoundError, DatasetValidationError


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    simulate(20_000, 42, folder)
    return folder


def said(violations):
    return [(each.rule.name, each.rule.column, each.count, each.rows, each.ids, each.severity) for each in violations]


@pytest.mark.parametrize(("file", "contract"), [("ads", "ad_performance"), ("account_days", "account_health")])
def test_a_file_breaks_what_its_table_breaks(world, tmp_path, file, contract):
    table = pl.read_parquet(world / f"{file}.parquet")
    table = table.gather_every(3) if file == "account_days" else table
    table = pl.concat([table, table.head(3)])
    path = tmp_path / "some.parquet"
    table.write_parquet(path, row_group_size=100)
    expected = check_rows(table, contract_layout(CONTRACTS[contract]), "some").violations
    assert len(expected) >= 3
    assert said(scan_violations(path, contract)) == said(expected)


def test_a_sound_file_breaks_nothing(world):
    assert scan_violations(world / "annotations.parquet", "annotated_training_set") == []
    assert scan_violations(world / "industry_benchmarks.parquet", "industry_benchmark") == []


def test_what_cannot_be_held_against_a_contract_is_refused(world, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="there is nothing to validate"):
        scan_violations(tmp_path / "none.parquet", "ad_performance")
    with pytest.raises(DatasetValidationError, match="found 'ads', expected one of account_health"):
        scan_violations(world / "ads.parquet", "ads")
    with pytest.raises(DatasetValidationError, match=r"the columns of accounts\.parquet are not those"):
        scan_violations(world / "accounts.parquet", "ad_performance")
