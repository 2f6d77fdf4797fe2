"""``within-wf lineage MODEL --openlineage FILE``: what a model comes from, as events that other programs read.

Format: https://openlineage.io/spec/2-0-2/OpenLineage.json, one event a line. Each step is a job and its artifact a dataset,
both of the namespace ``within_wf``; raw files are datasets of the namespace ``file``, by the dataset and their
names in its configuration. All of an event follows from content, but for its time and what ``within_wf_provenance`` says.
"""

from __future__ import annotations

import ast
import datetime
import errno
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from within_wf.errors import Problem, StoreError
from within_wf.steps.history import find_made
from within_wf.steps.place import CODE
from within_wf.steps.plan import Node, Plan, nodes_above
from within_wf.steps.provenance import provenance_path
from within_wf.steps.refs import Ref, read_ref, write_whole
from within_wf.store.local import Store

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.generated.base import BaseFacet
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacetFields

F = TypeVar("F", bound="BaseFacet")

NAMESPACE, RAW_NAMESPACE = "within_wf", "file"
PRODUCER = "https://pypi.org/project/within-wf"
RUNS = uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}#runs")
"""A run's id is the UUID of version 5 of its action key in this namespace."""
_PROVENANCE = ("who", "host", "processor", "commit", "seconds", "libraries")


def export_openlineage(store: Store, model: str, path: Path, dataset: str | None = None) -> int:
    """Write one COMPLETE event a step that led to a model, in the order the data walks.

    Args:
        store: Where the artifacts are.
        model: ``ad_score`` or ``account_health``.
        path: The file to write, all at once.
        dataset: The dataset; the newest that was run by default.

    Returns:
        How many events there are.

    Raises:
        StoreError: The model is unknown or was not made here, an artifact of its is gone, or the file cannot be written.
    """
    from openlineage.client.serde import Serde

    plan, trained = find_made(model, dataset)
    nodes = list({node.id: node for node in nodes_above(plan, trained)}.values())
    refs = _refs(store, nodes)
    lines = [Serde.to_json(_event(store, plan, node, refs)) for node in nodes]
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder")
        write_whole(path, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        problem = Problem(str(path), str(error.strerror or error), "a file that can be written")
        raise StoreError("no events were written", [problem]) from error
    return len(lines)


def _refs(store: Store, nodes: list[Node]) -> dict[str, Ref]:
    refs = {node.id: ref for node in nodes if (ref := read_ref(Path(node.ref))) is not None and store.knows(ref.action)}
    cure = "Run the workflow again; what is in the store is not computed anew."
    gone = [Problem(node.id, "no artifact", "the artifact it made", cure) for node in nodes if node.id not in refs]
    if gone:
        raise StoreError("the lineage has gaps", gone)
    return refs


def _event(store: Store, plan: Plan, node: Node, refs: Mapping[str, Ref]) -> RunEvent:
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.generated.base import JobFacet, RunFacet
    from openlineage.client.generated.documentation_job import DocumentationJobFacet
    from openlineage.client.generated.job_type_job import JobTypeJobFacet

    ref, provenance = refs[node.id], _provenance(node)
    keys = {"actionKey": ref.action, "derivationKey": node.key, "artifact": ref.digest, "core": node.parts.get("core") or None}
    run_facets = {"within_wf_keys": _own(RunFacet, keys)}
    if provenance:
        run_facets["within_wf_provenance"] = _own(RunFacet, {key: provenance.get(key) for key in _PROVENANCE})
    job_facets: dict[str, JobFacet] = {
        "documentation": DocumentationJobFacet(_described(node.step), "text/plain", producer=PRODUCER),
        "jobType": JobTypeJobFacet("BATCH", "WITHIN_WF", "STEP", producer=PRODUCER),
        "within_wf_configuration": _own(JobFacet, {"configuration": json.dumps(node.parts["config"], sort_keys=True)}),
    }
    inputs = [_artifact_input(refs[above]) for above in node.inputs.values()]
    return RunEvent(
        eventTime=_ended(store, ref, provenance),
        eventType=RunState.COMPLETE,
        producer=PRODUCER,
        run=Run(run_id(ref.action), run_facets),
        job=Job(NAMESPACE, node.id, job_facets),
        inputs=[*inputs, *_raw_inputs(node)],
        outputs=[_output(store, node, ref)],
    )


def _own(kind: type[F], values: Mapping[str, Any]) -> F:
    """A facet of ours: its fields beside those that every facet has."""
    return cast("F", kind(producer=PRODUCER).with_additional_properties(**values))


def run_id(action: str) -> str:
    """The id of the run that made an action: the same each time."""
    return str(uuid.uuid5(RUNS, action))


def _artifact_input(ref: Ref) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet

    version = DatasetVersionDatasetFacet(ref.digest, producer=PRODUCER)
    return InputDataset(NAMESPACE, f"{ref.step}/{ref.name}", facets={"version": version})


def _raw_inputs(node: Node) -> Iterator[InputDataset]:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet

    for file, digest in node.parts["raw"].items():
        version = DatasetVersionDatasetFacet(digest, producer=PRODUCER)
        yield InputDataset(RAW_NAMESPACE, f"{node.name.partition('.')[0]}/{file}", facets={"version": version})


def _output(store: Store, node: Node, ref: Ref) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.generated.base import DatasetFacet
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
    from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacet

    facets: dict[str, Any] = {
        "version": DatasetVersionDatasetFacet(ref.digest, producer=PRODUCER),
        "documentation": DocumentationDatasetFacet(f"What the step {node.step} made of {node.name}.", producer=PRODUCER),
        "within_wf_files": _own(DatasetFacet, {"files": dict(ref.files)}),
    }
    fields = [_file_fields(store, path, digest) for path, digest in ref.files.items() if path.endswith(".parquet")]
    if fields:
        facets["schema"] = SchemaDatasetFacet(fields, producer=PRODUCER)
    return OutputDataset(NAMESPACE, node.id, facets=facets)


def _file_fields(store: Store, path: str, digest: str) -> SchemaDatasetFacetFields:
    """A table of an artifact as a field, its columns the fields inside."""
    import pyarrow.parquet as pq
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacetFields

    try:
        schema = pq.read_schema(store.blob(digest))
    except (OSError, ValueError) as error:
        problem = Problem(
            f"{store.blob(digest)} ({path})", str(error).split("\n")[0], "a table", "Run `within-wf store verify`."
        )
        raise StoreError("the lineage cannot be read", [problem]) from error
    columns = [
        SchemaDatasetFacetFields(field.name, str(field.type), ordinal_position=place) for place, field in enumerate(schema, 1)
    ]
    return SchemaDatasetFacetFields(path, "struct", fields=columns)


def _provenance(node: Node) -> dict[str, Any]:
    """How an artifact came to be; empty where it was found in the store."""
    try:
        return dict(json.loads(provenance_path(Path(node.ref)).read_bytes()))
    except (OSError, ValueError):
        return {}


def _ended(store: Store, ref: Ref, provenance: Mapping[str, Any]) -> str:
    """When a step ended: by its provenance, or else when the store recorded it."""
    try:
        seconds = float(provenance["started_seconds"]) + float(provenance["seconds"])
    except (KeyError, TypeError, ValueError):
        seconds = store.record_path(ref.action).stat().st_mtime
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _described(step: str) -> str:
    """The first sentence of a step's module, which is not imported for it."""
    path = CODE / "within_wf/steps" / f"{step}.py"
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else None
    return (said or step).split("\n\n")[0].replace("\n", " ")
