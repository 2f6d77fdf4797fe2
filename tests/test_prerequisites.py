"""What a machine lacks is named with the Debian package that brings it, all of it at once."""

import shutil
import subprocess
import sys

import pytest

from tests.workflow.place import ROOT

PACKAGES = {"git": "git", "make": "make", "c++": "g++"}


def check(tmp_path, *programs, python="python3"):
    """The script's exit code and words, on a machine that has these programs alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in programs:
        (folder / name).symlink_to(shutil.which(name) or "/bin/true")
    (folder / "python3").symlink_to(sys.executable)
    command = [shutil.which("sh"), str(ROOT / "envs/prerequisites.sh"), python]
    done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("lacking", PACKAGES)
def test_what_is_missing_is_named_with_its_package(tmp_path, lacking):
    code, text = check(tmp_path, *(set(PACKAGES) - {lacking}))
    assert code == 1
    assert f"(Debian package: {PACKAGES[lacking]})" in text
    assert f"apt-get install {PACKAGES[lacking]}\n" in text


def test_everything_is_named_at_once(tmp_path):
    code, text = check(tmp_path, python="python3.99")
    assert code == 1
    for package in (*PACKAGES.values(), "python3", "python3-venv", "python3-dev"):
        assert f"(Debian package: {package})" in text
    assert text.count("Install what is missing:") == 1


def test_nothing_is_said_where_nothing_is_missing(tmp_path):
    assert check(tmp_path, *PACKAGES) == (0, "")
