"""What other tables say of a model's, against plain loops, and from files to the report."""

import json
import math
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.config.dataset import DatasetConfig
from within_wf.config.load import load_file
from within_wf.config.related import RelatedTable, linked_columns, measure, tolerance
from within_wf.data.load import load_dataset
from within_wf.data.readers.related import read_related
from within_wf.data.related import related_reports, related_rules
from within_wf.data.schemas import CONTRACTS
from within_wf.errors import ConfigError, DatasetError, DatasetNotFoundError, DatasetValidationError
from within_wf.steps import read_source, validate_data
from within_wf.steps.context import StepContext
from within_wf.steps.raw_files import RawFiles


def related(**says):
    return {"other": RelatedTable.model_validate(says)}


def broken(says, ours, theirs):
    """Rows that break each rule, in the order of the rules."""
    rules = related_rules(says, {"other": theirs}, "ads", ours.schema)
    return [ours.select(rule.broken.alias("x"))["x"].to_list() for rule in rules]


def agreement(ours, theirs, by, within=0.0):
    return related(agrees=[{"ours": ours, "theirs": theirs, "by": by, "within": within}])


DAYS = [date(2024, 1, day) for day in (1, 2, 3)]
CENTS = st.integers(-5_000, 5_000).map(lambda cents: cents / 100) | st.none()
ROWS = st.lists(st.tuples(st.sampled_from("abc") | st.none(), st.integers(0, 1) | st.none(), CENTS), max_size=12)
SCHEMA = {"k": pl.String, "n": pl.Int64, "v": pl.Float64}


def naive(rows, how, keys):
    """Key to what its known values come to."""
    values = defaultdict(list)
    for row in rows:
        key = row[:keys]
        if None not in key and row[2] is not None:
            values[key].append(row[2])
    return {key: math.fsum(known) / (len(known) if how == "mean" else 1) for key, known in values.items()}


@given(ROWS, ROWS, st.sampled_from(["v", "sum(v)", "mean(v)"]), st.sampled_from(["sum", "mean"]), st.sampled_from([1, 2]))
def test_agreement_is_that_of_a_dictionary(mine, others, ours, theirs, keys):
    by = ["k", "n"][:keys]
    for within, share in ((0.0, 0.0), (0.5, 0.0), ("10 %", 0.1)):
        found = broken(
            agreement(ours, f"{theirs}(v)", by, within),
            pl.DataFrame(mine, schema=SCHEMA, orient="row"),
            pl.DataFrame(others, schema=SCHEMA, orient="row"),
        )
        expected = naive(others, theirs, keys)
        own = naive(mine, measure(ours).how, keys)
        absolute = 0.0 if share else within
        told = []
        for row in mine:
            value = row[2] if ours == "v" else own.get(row[:keys])
            other = expected.get(row[:keys])
            judged = value is not None and other is not None and None not in row[:keys]
            told.append(judged and abs(value - other) > absolute + (share + 1e-9) * abs(other))
        assert found == [told]


@given(ROWS, ROWS, st.randoms())
def test_no_order_of_rows_changes_what_agrees(mine, others, random):
    table = pl.DataFrame(mine, schema=SCHEMA, orient="row").with_row_index("at")
    theirs = pl.DataFrame(others, schema=SCHEMA, orient="row")
    order, other = list(range(len(mine))), list(range(len(others)))
    random.shuffle(order)
    random.shuffle(other)
    says = agreement("sum(v)", "mean(v)", "k", 0.01)
    before = dict(zip(table["at"], broken(says, table, theirs)[0], strict=True))
    after = dict(zip(table[order]["at"], broken(says, table[order], theirs[other])[0], strict=True))
    assert before == after


@given(ROWS, ROWS)
def test_references_are_those_of_a_set(mine, others):
    table, theirs = (pl.DataFrame(rows, schema=SCHEMA, orient="row") for rows in (mine, others))
    says = related(references={"k": "k", "n": "n"}, referenced_by={"k": "k"})
    known = [{row[at] for row in others} for at in (0, 1)]
    assert broken(says, table, theirs) == [[row[at] is not None and row[at] not in known[at] for row in mine] for at in (0, 1)]
    unknown = [row[0] for row in others if row[0] is not None and row[0] not in {one[0] for one in mine}]
    violations = related_reports(says, {"other": theirs}, "ads", table)["other"]["violations"]
    expected = [(len(unknown), list(dict.fromkeys(unknown)))] if unknown else []
    assert [(each["count"], each["rows"]) for each in violations] == expected


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pl.Series(["1", "2", None]), pl.Series([1, 1, 3, None])),
        (pl.Series([1, 2, None]), pl.Series(["1", "1", "3", None])),
        (pl.Series([1, 2, None], dtype=pl.UInt8), pl.Series([1, 1, 3, None])),
        (pl.Series([1.0, 2.5, None]), pl.Series(["1", "1", "2.6", None])),
        (pl.Series(["1", "2", None], dtype=pl.Categorical), pl.Series(["1", "1", "3", None])),
        (pl.Series([DAYS[0], DAYS[1], None]), pl.Series([DAYS[0], DAYS[0], DAYS[2], None]).cast(pl.Datetime("ms"))),
    ],
    ids=["text and numbers", "numbers and text", "numbers of two sizes", "floats and text", "categories", "days and times"],
)
def test_keys_compare_by_what_they_say(ours, theirs):
    table, other = pl.DataFrame({"k": ours, "v": [1.0, 1.0, 1.0]}), pl.DataFrame({"k": theirs, "v": [2.0, 4.0, 1.0, 1.0]})
    assert broken(related(references={"k": "k"}), table, other) == [[False, True, False]]
    assert broken(agreement("v", "mean(v)", "k", 2), table, other) == [[False, False, False]]
    assert broken(agreement("v", "mean(v)", "k", 1.9), table, other) == [[True, False, False]]


def test_what_is_not_finite_agrees_with_nothing():
    table = pl.DataFrame({"k": ["a", "b", "c"], "v": [1.0, math.nan, math.inf]})
    other = pl.DataFrame({"k": ["a", "a", "b", "c"], "v": [1.0, math.nan, 1.0, math.inf]})
    assert broken(agreement("v", "sum(v)", "k", "100 %"), table, other) == [[True, True, True]]


def test_sums_are_exact_and_rounding_is_no_disagreement():
    table = pl.DataFrame({"k": ["a"], "v": [0.3]})
    other = pl.DataFrame({"k": ["a"] * 5, "v": [1e16, 0.1, 0.1, 0.1, -1e16]})
    assert broken(agreement("v", "sum(v)", "k"), table, other) == [[False]]
    assert broken(agreement("v", "sum(v)", "k"), table.with_columns(v=0.301), other) == [[True]]


def test_the_words_of_a_statement():
    assert (measure("sum( a b )").column, measure("sum(a)").how, measure("a").how) == ("a b", "sum", None)
    assert (tolerance("1.5%").share, tolerance("2 %").share, tolerance(0.1).absolute) == (0.015, 0.02, 0.1)
    assert set(get_args(get_args(RelatedTable.model_fields["contract"].annotation)[0])) == set(CONTRACTS)
    says = related(references={"a": "b"}, agrees=[{"ours": "sum(v)", "theirs": "sum(w)", "by": ["k", "day"]}])
    assert linked_columns(says) == {"v": "number", "a": "text", "k": "text", "day": "text"}


def test_tables_that_cannot_be_put_together():
    says = related(references={"account": "id"}, agrees=[{"ours": "platform", "theirs": "sum(name)", "by": ["day", "gone"]}])
    ours = pl.DataFrame({"account_id": ["a"], "platform": ["web"], "day": [date(2024, 1, 1)]})
    theirs = pl.DataFrame({"id": [1], "name": ["x"], "day": ["2024-01-01"]})
    with pytest.raises(DatasetError) as error:
        broken(says, ours, theirs)
    assert [(problem.where, problem.found) for problem in error.value.problems] == [
        ("ads, column account", "no such column"),
        ("ads, column gone", "no such column"),
        ("other, column gone", "no such column"),
        ("other, column day", "the type String"),
        ("ads, column platform", "the type String"),
        ("other, column name", "the type String"),
    ]


# A dataset of files.

YAML = """
name: mine
source: {kind: files, reader: table, folder: %s, files: [ads.csv]}
ads: {target: score}
related:
  accounts:
    files: [accounts.parquet]
    columns: {account_id: id}
    references: {account_id: account_id}
  judged:
    files: ["judged-*.csv"]
    contract: annotated_training_set
    referenced_by: {ad_id: ad_id}
    agrees:
      - {ours: score, theirs: mean(score), by: ad_id, within: 0.1}
  days:
    files: [days.csv]
    decimal: ","
    skip_lines: 1
    agrees:
      - {ours: sum(spend), theirs: sum(cost), by: shop, within: 1 %%}
"""
FILES = {
    "ads.csv": "ad_id,score,account_id,spend,shop\n1,1.5,7,10,x\n2,3,8,20,x\n3,9,,5,y\n4,9,7,6,z\n",
    "judged-1.csv": "ad_id,annotator_id,score\n1,p,1\n1,q,2\n2,p,4\n",
    "judged-2.csv": "ad_id,annotator_id,score\n5,p,1\n1,q,2\n3,p,101\n",
    "days.csv": "Costs of the spring\nshop;day;cost\nx;1;12\nx;2;18,1 €\ny;1;4\nz;1;\n",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "raw").mkdir()
    for name, text in FILES.items():
        (tmp_path / "raw" / name).write_text(text)
    pl.DataFrame({"id": [7, 9, 9, None], "name": list("abcd")}).write_parquet(tmp_path / "raw/accounts.parquet")
    (tmp_path / "configs/data").mkdir(parents=True)
    (tmp_path / "configs/data/mine.yaml").write_text(YAML % (tmp_path / "raw"))
    return tmp_path


def validate(folder, **validation):
    """Read and validate, as the workflow does."""
    config = load_file(folder / "configs/data/mine.yaml", DatasetConfig)
    places = RawFiles(None, folder / "raw.json").find_all(config)
    whole = config.model_dump(mode="json")
    reading = {f"dataset.{name}": whole[name] for name in ("source", "ads", "series")}
    for step in ("read", "checked"):
        (folder / step).mkdir(exist_ok=True)
    sources = {name: Path(path) for name, path in places[""].items()}
    linked = {"dataset.linked": linked_columns(config.related)}
    read_source.run(StepContext({}, folder / "read", {**reading, **linked}, sources=sources))
    checking = {
        "dataset.table": whole["ads"],
        "dataset.related": whole["related"],
        "data.validation": {"on_violation": "refuse", "max_quarantined_share": 1, **validation},
        "data.quality": {},
    }
    sources = {f"{table}/{name}": Path(path) for table, found in places.items() if table for name, path in found.items()}
    validate_data.run(StepContext({"source": folder / "read"}, folder / "checked", checking, model="ad_score", sources=sources))
    return json.loads((folder / "checked/report.json").read_text())


def test_a_dataset_of_files_with_other_tables(folder):
    report = validate(folder)
    assert [(each["rule"], each["column"], each["rows"], each["severity"]) for each in report["violations"]] == [
        ("unknown_reference", "account_id", ["2"], "warn"),
        ("disagreement", "score", ["1", "2", "3"], "warn"),
        ("disagreement", "spend", ["3"], "warn"),
    ]
    assert report["clean"] == 4
    judged = report["tables"]["judged"]
    assert list(report["tables"]) == ["judged"]
    assert [(each["rule"], each["column"], each["rows"]) for each in judged["violations"]] == [
        ("out_of_range", "score", ["3 p"]),
        ("duplicate", "ad_id", ["1 q"]),
        ("unknown_reference", "ad_id", ["5"]),
    ]
    table = load_dataset("mine", configs=folder / "configs")
    assert table.columns == pl.read_parquet(folder / "checked/table.parquet").columns
    assert table.schema["shop"] == pl.String


def test_what_other_tables_say_can_set_rows_aside_or_stop(folder):
    report = validate(folder, severity={"disagreement": "quarantine"})
    assert report["quarantined"] == 3
    aside = pl.read_parquet(folder / "checked/quarantine.parquet")
    assert aside["rule"].to_list() == [
        "score: disagreement",
        "account_id: unknown_reference; score: disagreement",
        "score: disagreement; spend: disagreement",
    ]
    with pytest.raises(DatasetValidationError, match=r"row 2 \(2\): found unknown reference, expected one that accounts knows"):
        validate(folder, severity={"unknown_reference": "refuse"})


def test_a_contract_finds_its_table(folder):
    with pytest.raises(DatasetValidationError, match=r"column score, row 6 \(3 p\)"):
        load_dataset("mine", "annotated_training_set", configs=folder / "configs")
    kept = load_dataset("mine", "annotated_training_set", configs=folder / "configs", on_violation="quarantine")
    assert kept["ad_id"].to_list() == ["1", "1", "2", "5"]
    with pytest.raises(DatasetError, match="found 'industry_benchmark', expected ad_performance or account_health, or the"):
        load_dataset("mine", "industry_benchmark", configs=folder / "configs")


def test_files_of_other_tables_that_are_missing_are_named_with_the_others(folder):
    for name in ("ads.csv", "days.csv", "judged-1.csv", "judged-2.csv"):
        (folder / "raw" / name).unlink()
    with pytest.raises(DatasetNotFoundError) as error:
        validate(folder)
    assert [Path(problem.where).name for problem in error.value.problems] == ["ads.csv", "judged-*.csv", "days.csv"]


def test_a_column_that_only_another_table_speaks_of_has_to_be_there(folder):
    (folder / "raw/ads.csv").write_text("ad_id,score,account_id,Shop\n1,1,7,x\n")
    with pytest.raises(DatasetError) as error:
        validate(folder)
    assert [problem.where for problem in error.value.problems] == ["ads.csv, column shop", "ads.csv, column spend"]


def test_problems_of_all_tables_are_said_at_once(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    says = {name: RelatedTable(files=["a.csv"], references={"k": "key"}) for name in ("one", "two")}
    with pytest.raises(
        DatasetError, match=r"(?s)one: a.csv, column key: found no such column.*two: a.csv, column key"
    ) as error:
        read_related(says, {name: {"a.csv": tmp_path / "a.csv"} for name in says}, pl.Schema({"k": pl.String}))
    assert len(error.value.problems) == 2


FILED = "name: mine\nsource: {kind: files, reader: table, folder: x, files: [a.csv]}\nads: {target: y}\nrelated:\n  other: "
DRAWN = "name: mine\nsource: {kind: sample_world}\nads: {target: y}\nrelated:\n  "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILED + "{references: {a: b}}", "related.other names no files"),
        (FILED + "{files: [b.csv]}", "nothing is said of it: contract, references, referenced_by or agrees"),
        (FILED + "{files: [b.csv], reference: {a: b}}", "unknown key related.other.reference.*Did you mean reference"),
        (FILED + "{files: [b.csv], contract: ad_performence}", "Did you mean ad_performance?"),
        (FILED + "{files: [b.csv], to: series, references: {a: b}}", "related.other.to is series, which the dataset does not"),
        (FILED + "{files: [b.csv], columns: {a: x, b: x}, references: {a: b}}", "x has two names in columns"),
        (
            FILED + "{files: [b.csv], agrees: [{ours: a, theirs: b, by: k}]}",
            r"'b' says nothing of several rows: mean\(b\) or",
        ),
        (
            FILED + "{files: [b.csv], agrees: [{ours: a, theirs: sum(b), by: k, within: '5'}]}",
            "'5' is neither a number nor",
        ),
        (FILED + "{files: [b.csv], agrees: [{ours: a, theirs: sum(b), by: k, within: -1}]}", "-1 is below 0"),
        (FILED + "{files: [b.csv], agrees: [{ours: a, theirs: sum(b)}]}", "expected the key by"),
        (FILED + "{files: [b.csv], agrees: [{ours: a, theirs: sum(b), by: []}]}", "agrees.0.by"),
        (FILED + "{files: [b.csv], agrees: [{our: a, theirs: sum(b), by: k}]}", "unknown key related.other.agrees.0.our.*ours"),
        (DRAWN + "acounts: {references: {a: b}}", "related.acounts is no table of the sample world: did you mean accounts?"),
        (
            DRAWN + "accounts: {references: {a: b}, files: [x]}",
            "related.accounts: tables of the sample world are",
        ),
        (DRAWN + "Accounts: {references: {a: b}}", "related.Accounts: the name of a table has small letters"),
    ],
)
def test_a_configuration_that_cannot_be_meant(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_file(tmp_path / "mine.yaml", DatasetConfig)
