"""AdamW over one flat buffer: parameters and gradients are views into two buffers, so that a step is one call of the core."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

from within_wf.config.training import OptimizerConfig
from within_wf.errors import TrainingError
from within_wf.ops.exact import optim


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as :class:`within_wf.ops.exact.optim.AdamW` steps.

    Args:
        parameters: What is optimised, float32 on the CPU; from now on they are views into one buffer.
        config: Rates; ``learning_rate`` is where ``learning_rate`` starts.

    Attributes:
        learning_rate: The rate of the next step; a schedule sets it.

    Raises:
        TrainingError: There is nothing to optimise, or a parameter is not float32 on the CPU.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], config: OptimizerConfig) -> None:
        moved = [p for p in parameters if p.requires_grad]
        if not moved:
            raise TrainingError("the model has no parameter to optimise")
        if any(p.dtype != torch.float32 or p.device.type != "cpu" for p in moved):
            raise TrainingError("AdamW optimises float32 parameters on the CPU; cast and move the model first")
        self.learning_rate = config.learning_rate
        self._clip = config.gradient_clip
        size = sum(p.numel() for p in moved)
        self._all = torch.nn.Parameter(torch.empty(size), requires_grad=False)
        self._all.grad = torch.zeros(size)
        offset = 0
        for p in moved:
            end = offset + p.numel()
            self._all[offset:end] = p.data.reshape(-1)
            p.data = self._all[offset:end].view(p.shape)
            p.grad = self._all.grad[offset:end].view(p.shape)
            offset = end
        self._adam = optim.AdamW(
            [self._all], config.learning_rate, (config.beta1, config.beta2), config.epsilon, config.weight_decay
        )

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._adam.zero_grad(set_to_none=False)

    def clip(self) -> float:
        """Scale the gradient down to the largest norm that is allowed; returns the norm before."""
        return optim.clip_grad_norm_(self._all, self._clip).item()

    def step(self) -> None:
        """Move the weights against the gradient."""
        self._adam.param_groups[0]["lr"] = self.learning_rate
        self._adam.step()

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """What a later step depends on besides the weights; each at least of one dimension."""
        moments = {name: np.atleast_1d(value.numpy()).copy() for name, value in self._adam.state[self._all].items()}
        return {**moments, "learning_rate": np.array([self.learning_rate])}

    def restore(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Go on from where :meth:`state` was taken.

        Raises:
            TrainingError: The state is of a model with another number of parameters, or of another optimizer.
        """
        size = self._all.numel()
        if state.keys() not in ({"learning_rate"}, {"learning_rate", "step", "exp_avg", "exp_avg_sq"}):
            raise TrainingError(f"the optimizer's state holds {', '.join(sorted(state))}, which is not what AdamW keeps")
        if "exp_avg" in state and state["exp_avg"].size != size:
            raise TrainingError(
                f"the optimizer's state is for {state['exp_avg'].size} parameters, the model has {size}; "
                "restore it into the model it was saved with"
            )
        moments = {name: torch.from_numpy(value.copy()) for name, value in state.items() if name != "learning_rate"}
        if moments:
            moments["step"] = moments["step"].reshape(())
        self._adam.state[self._all] = moments
        self.learning_rate = state["learning_rate"].item()
