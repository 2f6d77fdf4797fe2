"""What moves a function's key and what does not, each in a module loaded by a process of its own."""

import functools
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from within_wf.errors import StoreTypeError
from within_wf.store.function_key import function_key

BASE = """
    import math
    import numpy as np
    from mylib import shape
    from mylib.deep import scale

    LIMIT = 3

    def helper(x):
        return x + 1

    class Rule:
        factor = 2
        def apply(self, x):
            return helper(x) * self.factor

    def step(x, rate=0.5):
        '''Docstring.'''
        from mylib import late
        y = helper(x)  # comment
        return scale(y) * rate + LIMIT + Rule().apply(x) + shape.area(x) + late.run() + math.floor(np.mean([x]))
"""
LIBRARY = {
    "mylib/__init__.py": "",
    "mylib/shape.py": "from . import inner\n\ndef area(x):\n    return inner.side * x\n",
    "mylib/inner.py": "side = 4\n",
    "mylib/deep.py": "from .inner import side\n\ndef scale(x):\n    return x * side\n",
    "mylib/late.py": "def run():\n    return 0\n",
    "mylib/unused.py": "nothing = 1\n",
}
KEY = """
import json, sys
sys.path[:0] = sys.argv[1:2]
from within_wf.store.function_key import function_key
import mymodule
print(function_key(getattr(mymodule, sys.argv[2]), lambda value: json.dumps(value)))
"""


def key_of(folder, module=BASE, library=(), name="step", hash_seed="0"):
    files = {**LIBRARY, "mymodule.py": textwrap.dedent(module), **dict(library)}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    environment = {"PYTHONPATH": ".", "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", KEY, folder, name], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return key_of(tmp_path_factory.mktemp("base"))


SAME = {
    "another folder and hash seed": (BASE, {}),
    "a comment": (BASE.replace("# comment", "# another comment\n"), {}),
    "a docstring": (BASE.replace("Docstring.", "What it does, at length."), {}),
    "no docstring": (BASE.replace("'''Docstring.'''", ""), {}),
    "blank lines": (BASE.replace("LIMIT = 3", "\n\n\n    LIMIT = 3"), {}),
    "a function it does not call": (BASE + "\n    def other():\n        return 1\n", {}),
    "a module it does not import": (BASE, {"mylib/unused.py": "nothing = 2\n"}),
    "a comment in a module": (BASE, {"mylib/shape.py": "# why\n" + LIBRARY["mylib/shape.py"]}),
}
OTHER = {
    "its body": (BASE.replace("* rate", "/ rate"), {}),
    "a default": (BASE.replace("0.5", "0.6"), {}),
    "a helper": (BASE.replace("x + 1", "x + 2"), {}),
    "a global value": (BASE.replace("LIMIT = 3", "LIMIT = 4"), {}),
    "a method of a class": (BASE.replace("helper(x) *", "helper(x) -"), {}),
    "an attribute of a class": (BASE.replace("factor = 2", "factor = 3"), {}),
    "a function of an imported module": (BASE, {"mylib/deep.py": LIBRARY["mylib/deep.py"].replace("x * side", "x - side")}),
    "a module imported by name": (BASE, {"mylib/shape.py": LIBRARY["mylib/shape.py"].replace("* x", "- x")}),
    "a module behind that": (BASE, {"mylib/inner.py": "side = 5\n"}),
    "a module imported inside": (BASE, {"mylib/late.py": "def run():\n    return 1\n"}),
}


@pytest.mark.parametrize("change", SAME)
def test_what_cannot_matter_moves_no_key(base, tmp_path, change):
    module, library = SAME[change]
    assert key_of(tmp_path, module, library, hash_seed="7") == base


@pytest.mark.parametrize("change", OTHER)
def test_what_can_matter_moves_the_key(base, tmp_path, change):
    module, library = OTHER[change]
    assert key_of(tmp_path, module, library) != base


SETS = "def step(x):\n    return x in {'a', 'b', 'c', 'd'}\n"


def test_unordered_constants_make_one_key(tmp_path):
    assert len({key_of(tmp_path, SETS, hash_seed=seed) for seed in ("0", "1", "2")}) == 1


# In this process


def key(function):
    return function_key(function, _plain)


def _plain(value):
    try:
        return json.dumps(value)
    except TypeError as error:
        raise StoreTypeError(str(error)) from error


def adder(step):
    def add(x, *, scale=1):
        return (x + step) * scale

    return add


def nested(x):
    return [helper(y) for y in [x]]


def helper(x):
    return x


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


@functools.lru_cache
def remembered(x):
    return helper(x)


class Counter:
    start = 1

    def __init__(self):
        self.n = 0

    @classmethod
    def made(cls, x):
        return x + cls.start

    @staticmethod
    def plain(x):
        return x

    @property
    def size(self):
        return self.n

    def bound(self, x):
        return x


REGISTRY = {"first": helper, "both": [even, odd]}
LOOP = []
LOOP.append(LOOP)
OPEN = object()


def registered(x):
    return REGISTRY["first"](x)


def numpy_function(x):
    return EXP(x)


EXP = np.exp


def looping():
    return LOOP


def open_ended():
    return OPEN


def counting():
    return Counter().bound(1)


def test_what_a_function_closes_over_is_part_of_it():
    assert key(adder(1)) == key(adder(1)) != key(adder(2))


def test_lambdas_of_one_line_are_told_apart():
    one, two = lambda x: x + 1, lambda x: x + 2
    assert key(one) != key(two)
    assert key(one) == key(one)


@pytest.mark.parametrize(
    "function",
    [nested, even, remembered, registered, numpy_function, counting, Counter.made, Counter.plain, np.mean, len, np.exp],
)
def test_many_kinds_of_function_have_keys(function):
    assert key(function) == key(function)


def test_partials_are_known_by_what_they_bind():
    assert key(functools.partial(helper, 1)) == key(functools.partial(helper, 1)) != key(functools.partial(helper, 2))


def test_a_function_that_is_not_yet_bound_has_a_key():
    if np is None:
        late = 1

    def early():
        return late

    assert len(key(early)) == 64


def test_what_cannot_be_keyed_is_refused():
    with pytest.raises(StoreTypeError, match="the global OPEN of the function cannot be part of a key"):
        key(open_ended)
    with pytest.raises(StoreTypeError, match="holds itself"):
        key(looping)
    with pytest.raises(StoreTypeError, match="the object of the function cannot be part of a key"):
        key(Counter().bound)
    space = {"__name__": "nowhere"}
    exec("def typed(x):\n    return x\nclass Typed:\n    pass\ndef using():\n    return Typed()", space)  # noqa: S102
    with pytest.raises(StoreTypeError, match="has no source that can be read"):
        key(space["typed"])
    with pytest.raises(StoreTypeError, match="has no source that can be read"):
        key(space["Typed"])
    with pytest.raises(TypeError, match="cannot be part of a key"):
        key(Counter())


def test_a_file_edited_since_is_noticed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "edited_since.py"
    path.write_text("def step(x):\n    return x + 1\n")
    import edited_since

    before = key(edited_since.step)
    path.write_text("def step(x):\n    return x + 200\n")
    import linecache

    linecache.checkcache()
    mixed = key(edited_since.step)
    path.write_text("\n\n\ndef step(x):\n    return x + 1\n")
    linecache.checkcache()
    with pytest.raises(StoreTypeError, match="is not where its source should be"):
        key(edited_since.step)
    sys.modules.pop("edited_since")
    path.write_text("def step(x):\n    return x + 200\n")
    linecache.checkcache()
    import importlib

    importlib.invalidate_caches()
    for cached in Path(tmp_path / "__pycache__").glob("*"):
        cached.unlink()
    after = key(importlib.import_module("edited_since").step)
    assert len({before, mixed, after}) == 3
