"""Data walks one way: a room imports only from rooms below it, and stays light where nothing has to be done."""

import ast
import importlib
import subprocess
import sys

import pytest

from tests.workflow.place import ROOT

ROOMS = ["cli", "commands", "steps", "reports", "evaluation", "training", "models", "augment", "features", "data"]
ROOMS += ["tracking", "store", "ops", "runtime", "config", "rooms", "errors"]
PACKAGE = ROOT / "within_wf"
HEAVY = {"torch", "numpy", "polars", "pyarrow", "transformers", "mlflow", "sklearn", "xgboost", "scipy", "snakemake", "altair"}


LIGHT = ["within_wf", "within_wf.steps.runner", "within_wf.data", "within_wf.models", "within_wf.ops"]


def room_of(module):
    return module.split(".")[1]


def imported(path):
    """The modules of the package that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("within_wf."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("within_wf."))


def test_every_room_is_in_the_list():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert rooms - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_below(room):
    files = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else (PACKAGE / room).rglob("*.py")
    above = ROOMS[: ROOMS.index(room)]
    for path in files:
        wrong = [module for module in imported(path) if room_of(module) in above]
        assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}"


@pytest.mark.parametrize("room", [room for room in ROOMS if (PACKAGE / room / "__init__.py").exists()])
def test_what_a_room_exports_is_there(room):
    module = importlib.import_module(f"within_wf.{room}")
    for name in (name for name in dir(module) if not name.startswith("_")):
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError):
        _ = module.no_such_name


@pytest.mark.parametrize("module", LIGHT)
def test_what_must_stay_light_is_light(module):
    code = f"import sys, {module}; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_a_public_name_wins_over_the_module_of_the_same_name():
    import within_wf.ops.sums  # noqa: F401 - which imports the module of that name
    from within_wf.ops import scatter
    from within_wf.ops.scatter import scatter as same
    from within_wf.store import pins, verify

    assert scatter is same
    assert callable(pins)
    assert callable(verify)
