import io
import json

from rich.console import Console

from within_wf.reports import render_summary, summarise


def test_summary_of_an_experiment(ads):
    summary = summarise(ads)
    assert summary["dataset"] == "sample_world"
    assert summary["score"] == ads.metrics["test"]["rmse"]
    assert summary["interval"] == ads.metrics["intervals"]["rmse"]
    assert [b["name"] for b in summary["baselines"]] == ["tfidf_ridge", "mean"], "the best first"
    assert summary["rows"] == {"all": 1204, "quarantined": 4, "train": 720, "validation": 240, "test": 240}
    assert json.loads(json.dumps(summary)) == summary


def test_table_for_a_terminal(ads, accounts):
    console = Console(width=160, record=True, file=io.StringIO())
    undefined = {**summarise(ads), "score": None, "interval": None, "baselines": [], "dataset": "[red]odd[/red]"}
    console.print(render_summary([summarise(ads), summarise(accounts), undefined]))
    text = console.export_text()
    assert "Ad score" in text
    assert "rmse ↓" in text
    assert f"{summarise(ads)['score']:.2f}" in text
    assert "better than its baselines" in text
    assert "below a baseline" in text
    assert "[red]odd[/red]" in text, "what comes from data is no markup"
    assert "TF-IDF with ridge" in text
