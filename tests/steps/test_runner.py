"""The step runner: found in the store, or computed and committed; refused where code changed."""

import json
import subprocess
import sys

import pytest

from within_wf.config import load_run
from within_wf.errors import StaleCodeError, StoreError
from within_wf.ops.fingerprint import core_digest
from within_wf.steps import execute, runner
from within_wf.steps.fingerprint import Sources
from within_wf.steps.place import CODE, open_store
from within_wf.steps.plan import build_plan, plan_to_json
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.refs import read_ref
from within_wf.steps.workflow import prefetch


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A small sample world that is planned but not drawn; calls the runner for one of its steps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    configuration = load_run(CODE / "configs/experiment/sample_world.yaml", ["dataset.source.rows=300"])
    plan = build_plan(configuration, Sources(CODE), RawFiles(None, tmp_path / "raw.json"), core_digest())

    def call(step, name, main=execute.main, edit=lambda plan: plan):
        edit(plan)
        (tmp_path / "plan.json").write_text(plan_to_json(plan))
        node = plan[f"{step}/{name}"]
        arguments = [step, "--name", name, "--plan", "plan.json", "--ref", node.ref, "--log", "log.txt"]
        return main(arguments), node

    call.plan = plan
    return call


def test_a_step_is_computed_committed_and_then_found(run, tmp_path, capfd):
    code, node = run("simulate_world", "sample_world")
    assert code == 0
    ref = read_ref(tmp_path / node.ref)
    assert "ads.parquet" in ref.files
    assert open_store().get(ref.action).digest == ref.digest
    first = (tmp_path / node.ref).read_bytes()
    (tmp_path / node.ref).unlink()
    assert run("simulate_world", "sample_world", runner.run)[0] == 0
    assert (tmp_path / node.ref).read_bytes() == first
    assert "found in the store" in (tmp_path / "log.txt").read_text()
    assert json.loads((tmp_path / node.ref.replace(".ref.", ".provenance.")).read_text())["step"] == "simulate_world"


def test_finished_work_is_written_before_anything_runs(run, tmp_path):
    _, node = run("simulate_world", "sample_world")
    (tmp_path / node.ref).unlink()
    prefetch(run.plan, open_store())
    assert read_ref(tmp_path / node.ref) is not None


def test_a_ref_whose_artifact_left_the_store_is_removed(run, tmp_path):
    _, node = run("simulate_world", "sample_world")
    open_store().record_path(read_ref(tmp_path / node.ref).action).unlink()
    prefetch(run.plan, open_store())
    assert not (tmp_path / node.ref).exists()


def test_a_step_before_that_made_nothing_is_named(run):
    with pytest.raises(
        StoreError, match=r"validate_data/sample_world\.ad_score reads simulate_world/sample_world, which is not made"
    ):
        run("validate_data", "sample_world.ad_score", runner.run)


def test_code_that_is_not_what_was_planned_is_refused_and_nothing_kept(run, tmp_path, capfd):
    def edit(plan):
        plan["simulate_world/sample_world"].parts["code"]["within_wf.data.sample_world.world"] = "0" * 64

    code, node = run("simulate_world", "sample_world", edit=edit)
    assert code == StaleCodeError.exit_code
    assert "within_wf.data.sample_world.world changed while the workflow ran" in capfd.readouterr().err
    assert not (tmp_path / node.ref).exists()
    assert list(open_store().actions()) == []


def test_an_error_of_a_person_is_one_message_and_a_fault_of_the_step_names_the_log(run, tmp_path, capfd, monkeypatch):
    run("simulate_world", "sample_world")
    run.plan["validate_data/sample_world.ad_score"].parts["config"]["data.validation"]["on_violation"] = "refuse"
    code, _ = run("validate_data", "sample_world.ad_score")
    assert code == 3
    message = capfd.readouterr().err
    assert "break its contract" in message
    assert "Traceback" not in message
    monkeypatch.setattr("within_wf.steps.validate_data.run", lambda context: 1 / 0)
    code, _ = run("validate_data", "sample_world.ad_score")
    assert code == 1
    message = capfd.readouterr().err
    assert "ZeroDivisionError" in message
    assert "log.txt says where" in message
    assert "Traceback" not in message
    assert "Traceback" in (tmp_path / "log.txt").read_text()


def test_plans_and_nodes_that_are_not_there_are_named(run, tmp_path):
    with pytest.raises(StoreError, match="start the workflow again"):
        runner.read_plan(tmp_path / "none.json")
    with pytest.raises(StoreError, match="the plan has no draw/world"):
        runner.find_node(run.plan, "draw", "world")


def test_finding_a_step_imports_nothing_heavy(run, tmp_path):
    _, node = run("simulate_world", "sample_world")
    code = (
        "import sys\nfrom within_wf.cli import main\n"
        "sys.argv = ['within-wf', 'step', 'simulate_world', '--name', 'sample_world', '--plan', 'plan.json', '--log', 'l.txt',"
        f" '--ref', {node.ref!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'numpy', 'polars', 'pyarrow', 'pydantic', 'mlflow', 'typer', 'snakemake'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
