"""What the pretrained weights are that a configuration names; part of the keys of the steps that read them."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from within_wf.steps.raw_files import RawFiles


def identity(name: str, raw: RawFiles) -> dict[str, str]:
    """What changes when the weights do.

    Args:
        name: As :func:`within_wf.models.text_encoder.load_text_encoder` reads it: an installed distribution, a file or folder,
            or a model on the Hugging Face hub; or ``apertium:`` and a direction, a program that translates.
        raw: Digests files.

    Returns:
        ``version`` of a distribution; of a program its version and the digest of each of its files; each file and its digest;
        or the ``commit`` of the hub's model that is in the cache, ``not downloaded`` where none is.
    """
    if name.startswith("apertium:"):
        from within_wf.augment.apertium import made_of

        version, parts = made_of(name.removeprefix("apertium:"))
        return {**version, **{part.name: raw.digest(str(part.resolve())) for part in parts}}
    try:
        return {"version": metadata.version(name)}
    except (metadata.PackageNotFoundError, ValueError):
        pass
    path = Path(name)
    if path.is_file():
        return {path.name: raw.digest(str(path.resolve()))}
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {str(file.relative_to(path)): raw.digest(str(file.resolve())) for file in files}
    return {"commit": _commit(name)}


def _commit(name: str) -> str:
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    try:
        return Path(home, "hub", f"models--{name.replace('/', '--')}", "refs", "main").expanduser().read_text().strip()
    except (OSError, ValueError):
        return "not downloaded"
