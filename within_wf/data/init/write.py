"""The first configuration of a table, as a person would write it, with its doubts beside it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from within_wf.data.init.guess import Guess, guess
from within_wf.data.init.look import look_at
from within_wf.data.readers.kinds import USUAL, TextFormat
from within_wf.data.sources import fetch_all, find_files, is_remote
from within_wf.errors import ConfigError, Problem
from within_wf.store.disk import replacing

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]*[A-Za-z0-9_]|[A-Za-z_]")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_MODELS = {"ads": "ad_score", "series": "account_health"}


def init(place: str, name: str | None = None, configs: Path = Path("configs")) -> tuple[list[Path], Guess]:
    """Look at a table and write a first configuration of it.

    Args:
        place: A file, a folder or a pattern of files; here or at a URL.
        name: What the dataset is called; by default what the file is.
        configs: The folder of configurations.

    Returns:
        The files that were written, ``data/<name>.yaml`` and ``experiment/<name>.yaml``, and what was guessed.

    Raises:
        DatasetError: The files cannot be read; everything is named.
        ConfigError: There is a dataset of that name, or the name cannot be one; nothing was written.
    """
    folder, _, file = place.rstrip("/").rpartition("/")
    called = name or _name_of(file)
    paths = [configs / kind / f"{called}.yaml" for kind in ("data", "experiment")]
    problems = [Problem(str(path), "a file", "none", "Take another --name, or delete it.") for path in paths if path.exists()]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", called):
        problems.append(Problem("--name", repr(called), "small letters, digits and _, a letter first"))
    if problems:
        raise ConfigError(f"the dataset {called} cannot be written", problems)
    where = folder if is_remote(place) else str(Path(folder or ("/" if place.startswith("/") else ".")).resolve())
    found = find_files(called, where, [file], None)
    with tempfile.TemporaryDirectory() as here:
        looked = look_at(fetch_all(found, Path(here)))
    guessed = guess(looked)
    _write(paths[0], dataset_yaml(called, where, file, guessed, looked.text))
    _write(paths[1], experiment_yaml(called, guessed))
    return paths, guessed


def dataset_yaml(name: str, folder: str, file: str, guessed: Guess, text: TextFormat = USUAL) -> str:
    """``configs/data/<name>.yaml``."""
    lines = [
        "# yaml-language-server: $schema=../schemas/dataset.schema.json",
        "# Guessed by `within-wf data init`: look at what stands behind a `#`, and correct what is wrong.",
        f"name: {name}",
        'description: ""',
        "source:",
        "  kind: files",
        "  reader: table",
        f"  folder: {_scalar(folder)}",
        f"  files: [{_scalar(file)}]",
    ]
    if text.decimal != "." or "decimal" in guessed.doubts:
        lines.append(_with(f'  decimal: "{text.decimal}"', guessed.doubts.get("decimal", "")))
    if text.skip_lines:
        lines.append(_with(f"  skip_lines: {text.skip_lines}", "lines above the header"))
    if guessed.columns:
        lines += ["  columns:  # a name that the contract knows: the column's own", *_entries(guessed.columns, guessed, 4)]
    if guessed.computed:
        lines += ["  computed:", *(f"    {column}: {text}" for column, text in guessed.computed.items())]
    lines.append(f"{guessed.table}:")
    for role, value in guessed.roles.items():
        shown = f"[{', '.join(map(_scalar, value))}]" if isinstance(value, list) else _scalar(value)
        doubts = [guessed.doubts.get(role, "")]
        doubts += (
            [f"{each}: {guessed.doubts[each]}" for each in value if each in guessed.doubts] if isinstance(value, list) else []
        )
        lines.append(_with(f"  {role}: {shown}", "; ".join(filter(None, doubts))))
    if guessed.left_out:
        lines += [
            "# Columns that were given no meaning:",
            *(f"#   {_inline(column)}: {_inline(why)}" for column, why in guessed.left_out.items()),
        ]
    return "\n".join(lines) + "\n"


def experiment_yaml(name: str, guessed: Guess) -> str:
    """``configs/experiment/<name>.yaml``."""
    model = _MODELS[guessed.table]
    return "\n".join(
        [
            "# yaml-language-server: $schema=../schemas/run.schema.json",
            f"dataset: ../data/{name}.yaml",
            "models:",
            f"  {model}: ../training/{model}_predictor.yaml",
            "",
        ]
    )


def _entries(columns: dict[str, str], guessed: Guess, indent: int) -> list[str]:
    return [_with(f"{' ' * indent}{name}: {_scalar(theirs)}", guessed.doubts.get(name, "")) for name, theirs in columns.items()]


def _with(line: str, doubt: str) -> str:
    return f"{line}  # {_inline(doubt)}" if doubt else line


def _inline(text: str) -> str:
    """Text that stays in one line of a comment, whatever a file's header holds."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _scalar(text: str) -> str:
    """Text as YAML writes it in a list or after a key."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _name_of(file: str) -> str:
    stem = re.sub(r"[^0-9a-z]+", "_", Path(file).name.split(".")[0].lower()).strip("_")
    return stem if re.match(r"[a-z]", stem) else f"table_{stem}".rstrip("_")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def said(paths: Sequence[Path], guessed: Guess) -> list[str]:
    """What to tell the person who asked."""
    lines = [f"wrote {path}" for path in paths]
    lines += [f"  {what}: {doubt}" for what, doubt in guessed.doubts.items()]
    unknown = [role for role, value in guessed.roles.items() if value == "?"]
    after = f"name {' and '.join(unknown)} in {paths[0]}, then run" if unknown else "then"
    return [*lines, f"{after}: snakemake --profile local train_all --config dataset={paths[0].stem}"]
