"""What a change makes again: what depends on it, and no more."""

import shutil

import pytest

from tests.workflow.place import ROOT, Place, jobs


@pytest.fixture
def checkout(undisturbed, tmp_path):
    """A checkout of its own, whose code a test may change, on a copy of the finished store."""
    code = tmp_path / "code"
    for name in ("within_wf", "rules", "configs"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", code)
    shutil.copytree(ROOT / "csrc", code / "csrc")
    shutil.copytree(ROOT / "local", code / "local")
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, code)
    undisturbed.copy_store(tmp_path / "store")
    return Place(tmp_path / "run", tmp_path / "store", code=code)


def edit(place, file, old, new):
    path = place.code / "within_wf" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_parameter_of_training_makes_only_what_follows_from_it(copy):
    copy.run("train_all", "set=ad_score.training.seed=7")
    made = {name for name in copy.outputs() if len(list((copy.folder / "out" / name).glob("*.provenance.json"))) > 1}
    assert made == {
        "train_ad_score/sample_world.ad_score",
        "fit_ad_baselines/sample_world.ad_score",
        "evaluate_ad_score/sample_world.ad_score",
        "report_model/sample_world.ad_score",
    }


def test_a_comment_or_a_docstring_changes_nothing(checkout):
    edit(checkout, "data/splitter.py", '"""Rows divided', '"""Rows are divided')
    edit(checkout, "data/validator.py", "import polars as pl\n", "import polars as pl  # the tables\n")
    assert jobs(checkout.run("train_all")) == 0


def test_code_that_makes_the_same_bytes_stops_the_wave(checkout):
    edit(checkout, "data/sides.py", "TRAIN, VAL, TEST = range(3)", "TRAIN, VAL, TEST = 0, 1, 2")
    checkout.run("train_all")
    assert checkout.computed() == {"split_data/sample_world.ad_score", "split_data/sample_world.account_health"}


def test_why_names_the_code_that_changed(checkout):
    checkout.run("validate_all")
    edit(checkout, "data/rules.py", '"at least one letter"', '"one letter at least"')
    checkout.run("validate_all")
    text = checkout.within_wf("why", "validate_data", "--model", "ad_score")
    assert "within_wf.data.rules" in text.replace("/", ".")


def test_code_that_changes_while_the_workflow_runs_lands_under_no_key(checkout):
    edit(
        checkout,
        "steps/split_data.py",
        "    division = splitter.divide(table)",
        "    import time; time.sleep(4)\n    division = splitter.divide(table)",
    )
    process = checkout.start("train_all")
    for line in process.stdout:
        if "rows set aside" in line or "Execute 2 jobs" in line:
            break
    edit(checkout, "steps/split_data.py", "time.sleep(4)", "time.sleep(0)")
    text = process.communicate(timeout=300)[0]
    assert process.returncode != 0
    assert "within_wf.steps.split_data changed while the workflow ran, so nothing of split_data" in text
    assert not any(name.startswith("split_data") for name in checkout.outputs())
