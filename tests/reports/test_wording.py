import pytest

from within_wf.reports.wording import count, decimals, number, share, verdict_sentence


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (9.92846, "9.93"),
        (0.853333, "0.853"),
        (0.004321, "0.00432"),
        (-1.5, "−1.50"),
        (12345.6, "12,346"),
        (0.0, "0.000"),
        (None, "–"),
        (123.456, "123.46"),
    ],
)
def test_numbers(value, want):
    assert number(value) == want


def test_digits_are_shared():
    assert decimals(9.9, 10.2, None) == 2
    assert number(0.5, decimals(10.2)) == "0.50"
    assert decimals() == 3


def test_counts_and_shares():
    assert count(12345) == "12,345"
    assert count(None) == "–"
    assert share(1, 8) == "12.5 %"
    assert share(0, 0) == "–"


@pytest.mark.parametrize(
    ("verdicts", "overall", "want"),
    [
        ({"a_b": "above"}, "above", "better than its baseline (a b),"),
        ({"a": "above", "b": "above", "c": "above"}, "above", "better than every baseline (a, b and c),"),
        ({"a": "above", "b": "level"}, "level", "not shown to be better or worse than b; it is better than a."),
        ({"a": "above", "b": "below"}, "below", "worse than b, by more than chance explains: it should not"),
        ({}, "level", "no baseline"),
    ],
)
def test_the_verdict_in_a_sentence(verdicts, overall, want):
    metrics = {
        "verdict": overall,
        "primary_metric": "rmse",
        "intervals": {"rmse": [0.1, 0.2]},
        "baselines": {name: {"verdict": verdict, "difference": {"value": 1.0}} for name, verdict in verdicts.items()},
    }
    assert want in verdict_sentence(metrics)
