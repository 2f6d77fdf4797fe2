"""A store, a table of ads and its file, and the command line in a folder of its own."""

import datetime
import sys

import polars as pl
import pytest

from within_wf import cli
from within_wf.data.versions.snapshot import snapshot
from within_wf.data.versions.source import Source
from within_wf.store.local import Store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


@pytest.fixture
def ads():
    """Rows that keep the contract of ads."""
    day = datetime.datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "ad_id": ["a1", "a2", "a3", "a4"],
            "platform": ["search", "social", "search", None],
            "impressions": [100, 200, 300, 0],
            "clicks": [1, 2, 3, 0],
            "spend": [1.5, 0.1, 2.25, 0.0],
            "start_date": [day, day, day, day],
            "end_date": [day, day, day, day + datetime.timedelta(days=3)],
            "headline": ['=HYPERLINK("x")', "new, better", 'the "best"', None],
        }
    ).with_columns(pl.col("platform").fill_null("video"))


@pytest.fixture
def take(store):
    """Takes a snapshot of a table."""

    def taken(table, name="ads", contract=None, raw=(), **said):
        return snapshot(store, Source(name, table.lazy(), contract, dict(raw), "a test"), **said)[0]

    return taken


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Calls the command line: its exit code, and what it said."""
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("WITHIN_STORE_REMOTE", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["within-wf", "data", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run
