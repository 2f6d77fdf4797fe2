"""What is taken for a table."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from within_wf.data import DataSplitter, DataValidator, optimize_memory_usage
from within_wf.data.frames import as_frame
from within_wf.errors import DatasetError

COLUMNS = {"id": ["a", "b"], "clicks": [1, 2]}


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.table])
def test_tables_of_every_kind(make):
    assert as_frame(make(COLUMNS), "data").equals(pl.DataFrame(COLUMNS))


@pytest.mark.parametrize("call", [DataSplitter().split, optimize_memory_usage, lambda data: as_frame(data, "data")])
@pytest.mark.parametrize("data", [None, [1, 2], COLUMNS, "ads.csv"])
def test_what_is_no_table_is_told(call, data):
    kind = f"found a builtins.{type(data).__name__}, expected a table of polars, pandas or pyarrow"
    with pytest.raises(DatasetError, match=kind):
        call(data)
    with pytest.raises(DatasetError, match=kind):
        DataValidator().validate(data, "ad_performance")
