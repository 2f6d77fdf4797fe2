"""The whole look at a table: every key of the report, any kind of table, corrections above the threshold alone."""

import json

import numpy as np
import polars as pl
import pytest

from within_wf.data import EnhancedDataValidator
from within_wf.data.schemas import AdPerformanceSchema
from within_wf.errors import ConfigError, DatasetError, DatasetNotFoundError

SCHEMA = {"required_columns": ["x0", "gone"], "column_types": {"x1": "text"}, "value_ranges": {"x0": {"min": 11.5}}}


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def wine():
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    names = np.array(["red", "rosé", "white"])
    labels = names[y].tolist()
    for row in (3, 60, 140):
        labels[row] = "white" if labels[row] != "white" else "red"
    table = pl.DataFrame({f"x{k}": x[:, k] for k in range(5)} | {"x6": x[:, 6], "x12": x[:, 12]})
    return table.with_columns(pl.Series("label", labels)), names[y].tolist()


@pytest.fixture(scope="module")
def looked(schema):
    table, right = wine()
    return table, right, EnhancedDataValidator(schema, 0.8).validate_and_clean(table)


def test_the_report_has_its_keys_and_is_json(looked):
    _, _, (_, report) = looked
    expected = {"schema_violations", "detected_outliers", "potential_mislabels", "corrections_applied"}
    assert set(report) == expected | {"near_duplicates", "leakage_suspects", "not_judged"}
    json.dumps(report, allow_nan=False)
    assert report["not_judged"] == []


def test_schema_violations_are_those_of_the_file(looked):
    table, _, (_, report) = looked
    kinds = {found["type"]: found for found in report["schema_violations"]}
    assert kinds["missing_column"]["column"] == "gone"
    assert (kinds["wrong_type"]["expected"], kinds["wrong_type"]["actual"]) == ("text", "Float64")
    assert kinds["out_of_range"]["count"] == (table["x0"] < 11.5).sum()


def test_wrong_labels_are_listed_and_corrected_above_the_threshold_alone(looked):
    table, right, (cleaned, report) = looked
    listed = {found["index"] for found in report["potential_mislabels"]}
    assert len({3, 60, 140} & listed) >= 2
    assert all(found["suggested_label"] != found["original_label"] for found in report["potential_mislabels"])
    corrected = {found["index"]: found for found in report["corrections_applied"]}
    assert set(corrected) <= listed
    assert {3, 60, 140} & set(corrected)
    assert all(found["confidence"] > 0.8 for found in corrected.values())
    for row, found in corrected.items():
        assert (table["label"][row], cleaned["label"][row]) == (found["original_value"], found["corrected_value"])
    same = [row for row in range(table.height) if row not in corrected]
    assert cleaned["label"][same].equals(table["label"][same])
    assert sum(cleaned["label"][row] == right[row] for row in corrected) == len(corrected)


def test_pandas_in_pandas_out_and_the_input_unchanged(looked, schema):
    table, _, (cleaned, report) = looked
    given = table.to_pandas()
    given.index = range(1000, 1000 + len(given))
    before = given.copy()
    out, again = EnhancedDataValidator(schema, 0.8).validate_and_clean(given)
    assert given.equals(before)
    assert out["label"].tolist() == cleaned["label"].to_list()
    assert out.index.tolist() == given.index.tolist()
    assert again["corrections_applied"] == report["corrections_applied"]


def test_outliers_near_duplicates_and_leaks_of_a_table_with_texts():
    draws = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in draws.integers(500, size=30)) for _ in range(60)]
    texts[9] = texts[40] + " more"
    y = draws.normal(size=60)
    spend = draws.normal(10, 1, 60)
    spend[5] = 1000.0
    table = pl.DataFrame({"body": texts, "spend": spend, "told": 2 * y, "label": y}).with_columns(
        label=pl.when(pl.int_range(60) == 2).then(None).otherwise("label")
    )
    cleaned, report = EnhancedDataValidator("ad_performance").validate_and_clean(table)
    assert cleaned is table
    z = next(found for found in report["detected_outliers"] if found["column"] == "spend")
    assert 5 in z["indices"]
    assert z["values"][z["indices"].index(5)] == 1000.0
    assert {"column": "body", "rows": [9, 40]} in report["near_duplicates"]
    assert [found["column"] for found in report["leakage_suspects"]] == ["told"]
    assert report["corrections_applied"] == []
    assert report["schema_violations"][0]["type"] == "contract"


def test_what_cannot_be_judged_is_said(schema):
    _, report = EnhancedDataValidator(schema).validate_and_clean(pl.DataFrame({"x0": [1.0, 2.0], "label": ["a", "b"]}))
    assert "at least 20" in report["not_judged"][0]["why"]
    _, report = EnhancedDataValidator(AdPerformanceSchema).validate_and_clean(pl.DataFrame({"x0": [1.0, 2.0]}))
    assert report["not_judged"] == []


def test_thresholds_out_of_range_are_both_named(schema):
    with pytest.raises(DatasetError, match=r"(?s)confidence_threshold.*outlier_threshold"):
        EnhancedDataValidator(schema, 0.0, -1.0)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (None, DatasetNotFoundError, "account_health, ad_performance"),
        ("{", ConfigError, "JSON in UTF-8"),
        ('{"columns": []}', ConfigError, "columns"),
        ('{"column_types": {"a": "float"}}', ConfigError, r"column_types\.a"),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path, text, error, said):
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=said):
        EnhancedDataValidator(path)


def test_data_that_is_no_table_is_refused(schema):
    with pytest.raises(DatasetError, match="no table"):
        EnhancedDataValidator(schema).validate_and_clean([1, 2])
