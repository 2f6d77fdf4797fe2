"""Apertium, a translator by rules (Forcada et al., Machine Translation 25, 2011), run as a program: nothing of it is linked.

A process is started for each text: Apertium's tagger remembers what it read before, so texts that share a process change each
other.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from within_wf.errors import DatasetError, Problem

SCHEME = "apertium:"
PROGRAM = "apertium"
_DIRECTION = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z]+)?-[A-Za-z]{2,3}(_[A-Za-z]+)?")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


class ApertiumTranslator:
    """Translates with an installed Apertium.

    Args:
        direction: From which language into which, as ``apertium -l`` lists it: ``eng-spa``.
        threads: Texts that are translated at the same time; never changes one.

    Raises:
        DatasetError: There is no such program, or the direction has another form.
    """

    def __init__(self, direction: str, threads: int = 1) -> None:
        problems = []
        program = shutil.which(PROGRAM)
        if program is None:
            cure = "Install it (Debian: apt-get install apertium apertium-eng-spa), or name the folder of a Marian model."
            problems.append(Problem(f"{SCHEME}{direction}", f"no program {PROGRAM}", "one on the PATH", cure))
        if not _DIRECTION.fullmatch(direction):
            cure = "`apertium -l` lists those that are installed."
            problems.append(Problem(f"{SCHEME}{direction}", repr(direction), "two languages as in eng-spa", cure))
        if problems or program is None:
            raise DatasetError("texts cannot be translated", problems)
        self._command = [program, "-u", direction]
        self.direction, self._threads = direction, threads

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Each text in the other language; what Apertium does not know stays as it is.

        Raises:
            DatasetError: Apertium fails; its own words say why.
        """
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._one, texts))

    def _one(self, text: str) -> str:
        done = subprocess.run(
            self._command,
            input=text.replace("\0", ""),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(),
            check=False,
        )
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split())[:300] or f"exit code {done.returncode}"
            cure = "`apertium -l` lists the directions that are installed."
            raise DatasetError("texts cannot be translated", [Problem(SCHEME + self.direction, said, "a translation", cure)])
        return done.stdout


def made_of(direction: str) -> tuple[dict[str, str], list[Path]]:
    """What decides about the translations of a direction.

    Returns:
        The version by its name, ``missing`` without a program; and the files: the program, the mode, its programs and its data.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        return {"version": "missing"}, []
    said = subprocess.run([program, "-V"], capture_output=True, text=True, env=_environment(), check=False)
    files = [Path(program)]
    mode = Path(program).resolve().parent.parent / "share/apertium/modes" / f"{direction}.mode"
    if _DIRECTION.fullmatch(direction) and mode.is_file():
        words = shlex.split(mode.read_text(encoding="utf-8"))
        found = [
            Path(shutil.which(word) or word) for word in words if word not in ("|", "$1", "$2") and not word.startswith("-")
        ]
        files += [mode, *(file for file in found if file.is_file())]
    return {"version": said.stdout.strip() or "not said"}, sorted(set(files))


def _environment() -> dict[str, str]:
    return {**{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}, **_ENVIRONMENT}
