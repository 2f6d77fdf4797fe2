"""What counts of a step's code, and what does not."""

import ast
import json
import sys

import pytest

from within_wf.steps.catalog import STEPS
from within_wf.steps.fingerprint import Sources
from within_wf.steps.place import CODE

FILES = {
    "__init__.py": "",
    "steps/__init__.py": "",
    "steps/a.py": (
        "from within_wf.models import Net\nfrom within_wf.tables import read\n"
        "def run(context):\n    from within_wf import late\n"
    ),
    "steps/b.py": "from within_wf.tables import read\n",
    "models/__init__.py": (
        "from within_wf.rooms import lazy_exports\n"
        "__getattr__, __dir__ = lazy_exports(__name__, {'Net': 'net', 'Tree': 'tree'})\n"
    ),
    "models/net.py": "WORDS = 'words.txt'\n",
    "models/tree.py": "depth = 3\n",
    "models/words.txt": "one two\n",
    "rooms.py": "def lazy_exports(name, table): ...\n",
    "tables.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from within_wf import typing_only\ndef read(): return 1\n"
    ),
    "late.py": "x = 1\n",
    "typing_only.py": "y = 1\n",
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "within_wf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def fingerprint(package, step="a"):
    return Sources(package).fingerprint(f"within_wf.steps.{step}")


def edit(package, name, text):
    (package / "within_wf" / name).write_text(text)


def test_a_step_is_made_of_what_it_can_reach(package):
    assert set(fingerprint(package)) == {
        "within_wf",
        "within_wf.steps",
        "within_wf.steps.a",
        "within_wf.models",
        "within_wf.models.net",
        "within_wf.rooms",
        "within_wf.tables",
        "within_wf.late",
        "within_wf/models/words.txt",
    }
    assert "within_wf.models" not in fingerprint(package, "b")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tables.py", '"""Tables."""\n\n' + FILES["tables.py"].replace("return 1", '"""Read."""; return 1  # one')),
        ("late.py", "x = 1\n\n\n# a comment\n"),
        ("late.py", 'x = 1\n"""What x is."""\n'),
        ("typing_only.py", "y = 2\n"),
        ("models/tree.py", "depth = 4\n"),
        ("models/__init__.py", FILES["models/__init__.py"].replace("'tree'", "'forest'")),
        ("steps/b.py", "z = 1\n"),
    ],
)
def test_what_people_read_and_what_is_not_reached_does_not_count(package, name, text):
    before = fingerprint(package)
    edit(package, name, text)
    assert fingerprint(package) == before


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("tables.py", FILES["tables.py"].replace("return 1", "return 2"), "within_wf.tables"),
        ("late.py", "x = 2\n", "within_wf.late"),
        ("models/words.txt", "one three\n", "within_wf/models/words.txt"),
        ("rooms.py", "def lazy_exports(name, table): return 1\n", "within_wf.rooms"),
        ("__init__.py", "import os\n", "within_wf"),
    ],
)
def test_what_is_reached_counts(package, name, text, changed):
    before = fingerprint(package)
    edit(package, name, text)
    after = fingerprint(package)
    assert {key for key in after if after[key] != before[key]} == {changed}


def test_what_is_remembered_is_forgotten_when_a_file_changes(package, tmp_path):
    memory = tmp_path / "memory.json"
    first = Sources(package, memory)
    before = first.fingerprint("within_wf.steps.a")
    first.save()
    assert Sources(package, memory).fingerprint("within_wf.steps.a") == before
    edit(package, "late.py", "x = 3\n")
    assert Sources(package, memory).fingerprint("within_wf.steps.a") == fingerprint(package)
    memory.write_text("damaged")
    assert Sources(package, memory).fingerprint("within_wf.steps.a") == fingerprint(package)


@pytest.mark.parametrize("step", [step.name for step in STEPS])
def test_every_step_of_the_catalogue_is_a_module_with_run(step):
    found = Sources(CODE).fingerprint(f"within_wf.steps.{step}")
    assert f"within_wf.steps.{step}" in found
    assert "def run(context: StepContext)" in (CODE / f"within_wf/steps/{step}.py").read_text()


def test_steps_do_not_reach_the_machinery_that_runs_them():
    for step in STEPS:
        found = Sources(CODE).fingerprint(f"within_wf.steps.{step.name}")
        machinery = {f"within_wf.steps.{name}" for name in ("runner", "execute", "plan", "workflow", "results", "catalog")}
        assert not machinery & set(found), step.name
        assert not any(name.startswith(("within_wf.cli", "within_wf.commands", "within_wf.tracking")) for name in found), (
            step.name
        )


def test_a_file_that_a_template_names_counts():
    found = Sources(CODE).fingerprint("within_wf.steps.report_model")
    assert {"within_wf/reports/templates/report.html", "within_wf/reports/templates/report.css"} <= set(found)


def test_a_memory_of_other_code_is_forgotten(tmp_path):
    memory = tmp_path / "sources.json"
    sources = Sources(CODE, memory)
    expected = sources.fingerprint("within_wf.steps.split_data")
    sources.save()
    content = json.loads(memory.read_text())
    for entry in content["files"].values():
        entry["digest"] = "0" * 64
    memory.write_text(json.dumps(content))
    assert Sources(CODE, memory).fingerprint("within_wf.steps.split_data") != expected, "what is remembered is used"
    memory.write_text(json.dumps({**content, "by": "another"}))
    assert Sources(CODE, memory).fingerprint("within_wf.steps.split_data") == expected
    memory.write_text(json.dumps([]))
    assert Sources(CODE, memory).fingerprint("within_wf.steps.split_data") == expected


KEYED_BY_OTHERS = {"typing_extensions"}
NAMES = {"sklearn": "scikit-learn", "xgboost": "xgboost-cpu", "vl_convert": "vl-convert-python", "PIL": "pillow"}
NO_BYTES = {"pydantic", "snakemake", "mlflow", "huggingface_hub", "pandas", "annotated_types", "ruamel", "rich", "fsspec"}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_declares_the_core_and_the_libraries_its_modules_import(step):
    """Libraries of modules that are reached but belong to another step may be declared for nothing; never the other way."""
    found = Sources(CODE).fingerprint(f"within_wf.steps.{step.name}")
    modules = [name for name in found if name.startswith("within_wf.") and "/" not in name]
    modules.remove("within_wf.store.canonical")  # writes several formats; a step uses some
    assert step.compiled == ("within_wf.ops.library" in modules)
    imported = set()
    for name in modules:
        base = CODE.joinpath(*name.split("."))
        path = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
        imported |= set(outside_imports(path.read_text()))
    needed = {NAMES.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"within_wf"} - NO_BYTES}
    assert not needed - set(step.libraries) - KEYED_BY_OTHERS


def outside_imports(text):
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
