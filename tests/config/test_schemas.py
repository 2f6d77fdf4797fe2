"""The schemas that editors use are those of the code."""

import json
from pathlib import Path

from within_wf.config.schemas import outdated_schemas, write_schemas

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_committed_schemas_are_current():
    assert outdated_schemas(CONFIGS / "schemas") == []


def test_an_outdated_schema_is_found(tmp_path):
    write_schemas(tmp_path)
    (tmp_path / "run.schema.json").write_text("{}")
    (tmp_path / "dataset.schema.json").unlink()
    assert outdated_schemas(tmp_path) == ["run", "dataset"]


def test_every_field_is_described_and_files_may_be_named():
    schema = json.loads((CONFIGS / "schemas/run.schema.json").read_text())
    assert "base_config" in schema["properties"]
    assert {"type": "string"}.items() <= schema["properties"]["dataset"]["anyOf"][1].items()
    assert schema["$defs"]["SplitConfig"]["properties"]["test_size"]["description"]
    assert schema["$defs"]["SplitConfig"]["additionalProperties"] is False


def test_every_configuration_names_its_schema():
    for path in CONFIGS.glob("*/*.yaml"):
        if path.parent.name in ("data", "experiment", "training", "evaluation"):
            first = path.read_text().splitlines()[0]
            assert first.startswith("# yaml-language-server: $schema=../schemas/"), path
            assert (path.parent / first.partition("=")[2]).is_file()
