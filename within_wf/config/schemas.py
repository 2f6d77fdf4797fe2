"""JSON Schemas of the configuration, so that editors complete and check it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from within_wf.config.dataset import DatasetConfig
from within_wf.config.described import described_schema
from within_wf.config.models import AccountHealthConfig, AdScoreConfig
from within_wf.config.run import RunConfig
from within_wf.config.section import Section
from within_wf.config.validation_strategy import KFoldEvaluationConfig

SCHEMAS: dict[str, type[Section]] = {
    "run": RunConfig,
    "dataset": DatasetConfig,
    "ad_score": AdScoreConfig,
    "account_health": AccountHealthConfig,
    "evaluation": KFoldEvaluationConfig,
}


def schema_text(name: str) -> str:
    """The JSON Schema of a kind of file."""
    schema: dict[str, Any] = described_schema(SCHEMAS[name])
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    # A file can stand on another one, so that nothing in it is required, and can name another where a section stands.
    schema.pop("required", None)
    schema.setdefault("properties", {})["base_config"] = {"type": "string", "description": "The file this one stands on."}
    if name == "run":
        schema["properties"]["dataset"] = _or_file(schema["properties"]["dataset"])
        models = schema["$defs"]["ModelsConfig"]["properties"]
        for model in models:
            models[model] = _or_file(models[model])
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in SCHEMAS:
        path = folder / f"{name}.schema.json"
        path.write_text(schema_text(name), encoding="utf-8")
        paths.append(path)
    return paths


def outdated_schemas(folder: Path) -> list[str]:
    """The names of schemas whose file is not what would be written."""
    files = {name: folder / f"{name}.schema.json" for name in SCHEMAS}
    return [name for name, path in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != schema_text(name)]


def _or_file(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "string", "description": "The path of a file that says it, relative to this one."}]}
