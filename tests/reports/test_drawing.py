import re
import xml.etree.ElementTree as ET

import altair as alt
import pytest

from within_wf.reports import charts, drawing

ROWS = [
    {"label": "model", "value": 9.9, "low": 9.6, "high": 10.2, "model": True},
    {"label": "a baseline with a long name", "value": 14.9, "low": None, "high": None, "model": False},
]


CROWDED = [{"label": "m", "value": 12345678.1, "low": 12345677.7, "high": 12345678.4, "model": True}]


def draw_all():
    epochs = [{"epoch": e, "train_loss": 1 / e, "validation_loss": 2 / e} for e in range(1, 4)]
    curve = {"model": {"x": [0, 0.2, 1], "y": [0, 0.8, 1]}, "coin": {"x": [0, 1], "y": [0, 1]}}
    means = {"predicted": [0.1, 0.9], "actual": [0.2, 0.8]}
    return [
        charts.intervals(ROWS, "baselines", "Error", "the scores", 10.0),
        charts.intervals(CROWDED, "crowded", "Error", "the scores"),
        charts.training_curve(epochs, 2, "the losses"),
        charts.predicted_actual({"predicted": [1.0, 2.0, 3.0], "actual": [1.5, 2.0, 2.5]}, means, "the rows"),
        charts.residuals({"edges": [-1.0, 0.0, 1.0], "counts": [3, 4]}, "the errors"),
        charts.ranked_curves(curve, "roc", "x", "y", None, "the curve"),
        charts.ranked_curves(curve, "pr", "x", "y", 0.3, "the curve"),
        charts.calibration_curve(means, "the means"),
        charts.score_histogram({"edges": [0.0, 0.5, 1.0], "negative": [3, 1], "positive": [0, 2]}, "the classes"),
        charts.split_bar({"train": 3, "validation": 1, "test": 1}, "the parts"),
    ]


def test_pictures_are_xml_with_a_name_and_a_viewbox():
    for svg in draw_all():
        root = ET.fromstring(svg)  # noqa: S314
        assert root.get("role") == "img"
        assert root.get("aria-label").startswith("the ")
        assert root.get("viewBox")
        assert root.get("width") is None
        assert svg.count("role=") == 1


def test_the_same_picture_again_in_one_process_is_the_same():
    assert draw_all() == draw_all()


def test_a_font_moves_nothing(monkeypatch):
    """What is drawn must not depend on the fonts of a machine: another font changes the font's name alone."""
    narrow = draw_all()
    monkeypatch.setattr(drawing, "_FONT", "DejaVu Sans Mono")
    wide = draw_all()
    bare = [[re.sub(r'font-family="[^"]*"', "", str(svg)) for svg in svgs] for svgs in (narrow, wide)]
    assert narrow != wide
    assert bare[0] == bare[1]


def test_ids_belong_to_their_picture():
    data = alt.Data(values=[{"x": 1, "y": 2}, {"x": 2, "y": 3}])
    line = alt.Chart(data).mark_line(clip=True).encode(x="x:Q", y="y:Q")
    svg = drawing.to_svg([line], "mine", "a line", 100, 50)
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert ids
    assert all(name.startswith("mine-") for name in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(ids)


def test_words_are_left_as_they_are():
    rows = [{**ROWS[0], "label": 'id="a" 0.123456'}, ROWS[1]]
    assert 'id="a" 0.123456' in "".join(ET.fromstring(charts.intervals(rows, "n", "t", "d")).itertext())  # noqa: S314


def test_labels_and_descriptions_are_escaped():
    rows = [{**ROWS[0], "label": "<b>&'\""}, ROWS[1]]
    svg = charts.intervals(rows, "n", "<i>", '"><script>', None)
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "<script" not in svg
    assert ET.fromstring(svg).get("aria-label") == '"><script>'  # noqa: S314


@pytest.mark.parametrize(("label", "want"), [("short", "short"), ("x" * 20, "x" * 20), ("x" * 21, "x" * 19 + "…")])
def test_long_labels_are_shortened(label, want):
    assert drawing.shorten(label) == want


def test_every_colour_has_its_dark_counterpart():
    from within_wf.reports.page import TEMPLATES

    css = (TEMPLATES / "report.css").read_text()
    for svg in draw_all():
        for attribute, colour in re.findall(r'(fill|stroke)="(#[0-9a-fA-F]+)"', svg):
            assert f'[{attribute}="{colour}"]' in css, (attribute, colour)
