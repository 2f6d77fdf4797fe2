"""Runs a model once and lists what reached kernels that are not ours and could change bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from within_wf.ops.exact.adapters import tensors_in
from within_wf.ops.exact.aten import CONDITIONS, WHY, objection


@dataclass(frozen=True)
class Reached:
    """An operator of a third-party kernel that could change bits.

    Attributes:
        operator: Its name, as in ``aten::mm``.
        module: The path of the module whose code called it, or whose gradient it is part of; empty for the model itself.
        is_backward: Whether it ran in the backward pass.
        count: How often it ran.
        reason: What it can do to bits.
    """

    operator: str
    module: str
    is_backward: bool
    count: int
    reason: str

    def __str__(self) -> str:
        where = self.module or "the model itself"
        return f"{self.operator}, {self.count} x, {'backward' if self.is_backward else 'forward'} of {where}: {self.reason}"


@dataclass(frozen=True)
class Report:
    """What a run of a model reached.

    Attributes:
        unsafe: Operators that could change bits, by module and name.
        operators: Every operator that ran, ours too, to how often.
    """

    unsafe: tuple[Reached, ...]
    operators: dict[str, int]

    @property
    def is_exact(self) -> bool:
        """Whether nothing could change bits."""
        return not self.unsafe

    def __str__(self) -> str:
        return "\n".join(map(str, self.unsafe)) or "nothing that could change bits"


def check(model: torch.nn.Module, *inputs: Any, backward: bool = True, **named: Any) -> Report:
    """Run a model once, in the mode that it is in, and list the operators that could change bits.

    The model is left as it was: its buffers and torch's random numbers are put back, gradients are not kept.

    Args:
        model: A model, converted or not.
        inputs: What it is called with.
        backward: Run the backward pass too, from all outputs to all parameters and inputs that have gradients.
        named: Further arguments of the model, by name.
    """
    recorder = _Recorder()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    devices = {tensor.device for tensor in (*model.parameters(), *tensors_in((inputs, named))) if tensor.is_cuda}
    try:
        with torch.random.fork_rng(list(devices)), torch.set_grad_enabled(backward), _paths(model, recorder):
            with recorder:
                outputs = model(*inputs, **named)
            ends = [output for output in tensors_in(outputs) if output.requires_grad]
            starts = [start for start in (*model.parameters(), *tensors_in((inputs, named))) if start.requires_grad]
            if backward and ends and starts:
                seeds = [torch.ones_like(end) for end in ends]
                recorder.is_backward = True
                with recorder:
                    torch.autograd.grad(ends, starts, seeds, allow_unused=True)
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                if name in before:
                    buffer.copy_(before[name])
    unsafe = (Reached(*key, count, recorder.reasons[key]) for key, count in recorder.unsafe.items())
    ordered = sorted(unsafe, key=lambda reached: (reached.is_backward, reached.module, reached.operator))
    return Report(tuple(ordered), dict(sorted(recorder.operators.items())))


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path: list[str] = [""]
        self.is_backward = False
        self.operators: Counter[str] = Counter()
        self.unsafe: Counter[tuple[str, str, bool]] = Counter()
        self.reasons: dict[tuple[str, str, bool], str] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name: str = func._schema.name
        base = name.removeprefix("aten::").removesuffix("_")
        with torch._C.DisableTorchFunction():
            if base not in WHY and base not in CONDITIONS and func._can_decompose():
                with self:
                    return func.decompose(*args, **kwargs)
            result = func(*args, **kwargs)
        self.operators[name] += 1
        reason = objection(name, args, kwargs, result)
        if reason is not None:
            key = (name, self._where(), self.is_backward)
            self.unsafe[key] += 1
            self.reasons[key] = reason
        return result

    def _where(self) -> str:
        if not self.is_backward:
            return self.path[-1]
        node: Any = torch._C._current_autograd_node()
        return str(node.metadata.get(_LABEL, "")) if node is not None else ""


_LABEL = "within module"


@contextmanager
def _paths(model: torch.nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Tell the recorder which module runs, and each node of the graph which module made it."""

    def label(values: Any, path: str) -> None:
        """Nodes from here back to those that have a label already."""
        waiting: list[Any] = [value.grad_fn for value in tensors_in(values)]
        while waiting:
            node = waiting.pop()
            if node is not None and _LABEL not in node.metadata:
                node.metadata[_LABEL] = path
                waiting += [before for before, _ in node.next_functions]

    def enter(path: str, module: torch.nn.Module, inputs: Any, named: Any) -> None:
        label((inputs, named), recorder.path[-1])
        recorder.path.append(path)

    def leave(path: str, module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        recorder.path.pop()
        label(outputs, path)

    handles = []
    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(partial(enter, path), prepend=True, with_kwargs=True))
        handles.append(module.register_forward_hook(partial(leave, path)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
