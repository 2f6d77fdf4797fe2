"""AdamW over one flat buffer.

torch.sqrt is not correctly rounded on the CPU and gives other bits on other processors, so the update is NumPy's: its sqrt,
+, −, × and ÷ are the ones IEEE 754 fixes. Parameters and gradients are views into two flat buffers, which also makes a step
a handful of calls, whatever the number of parameters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

from within_wf.config.training import OptimizerConfig
from within_wf.errors import TrainingError


def tree_sum(values: npt.NDArray[np.float64]) -> float:
    """The sum in one fixed order: the second half is added to the first until one number is left.

    Args:
        values: float64, shape [n].

    Returns:
        The sum; its error grows with log n. The order depends on n alone, not on vector width or threads.
    """
    length = 1 << max(0, values.size - 1).bit_length()
    buffer = np.zeros(length)
    buffer[: values.size] = values
    while length > 1:
        length //= 2
        buffer = buffer[:length] + buffer[length:]
    return float(buffer[0])


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).

    Args:
        parameters: What is optimised, float32 on the CPU; from now on they are views into one buffer.
        config: Rates; ``learning_rate`` is where ``learning_rate`` starts.

    Attributes:
        learning_rate: The rate of the next step; a schedule sets it.

    Raises:
        TrainingError: There is nothing to optimise, or a parameter is not float32 on the CPU.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], config: OptimizerConfig) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        if not self._parameters:
            raise TrainingError("the model has no parameter to optimise")
        if any(p.dtype != torch.float32 or p.device.type != "cpu" for p in self._parameters):
            raise TrainingError("AdamW optimises float32 parameters on the CPU; cast and move the model first")
        self._config = config
        self.learning_rate = config.learning_rate
        self._steps = 0
        size = sum(p.numel() for p in self._parameters)
        weights, gradient = torch.empty(size), torch.zeros(size)
        offset = 0
        for p in self._parameters:
            end = offset + p.numel()
            weights[offset:end] = p.data.reshape(-1)
            p.data = weights[offset:end].view(p.shape)
            p.grad = gradient[offset:end].view(p.shape)
            offset = end
        self._weights: npt.NDArray[np.float32] = weights.numpy()
        self._gradient: npt.NDArray[np.float32] = gradient.numpy()
        self._mean = np.zeros(size, dtype=np.float32)
        self._square = np.zeros(size, dtype=np.float32)
        self._power1 = self._power2 = 1.0

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._gradient.fill(0)

    def clip(self) -> float:
        """Scale the gradient down to the largest norm that is allowed; returns the norm before."""
        wide = self._gradient.astype(np.float64)
        norm = float(np.sqrt(tree_sum(wide * wide)))
        if norm > self._config.gradient_clip:
            self._gradient *= np.float32(self._config.gradient_clip / (norm + 1e-6))
        return norm

    def step(self) -> None:
        """Move the weights against the gradient."""
        c = self._config
        self._steps += 1
        self._power1 *= c.beta1
        self._power2 *= c.beta2
        self._mean *= np.float32(c.beta1)
        self._mean += np.float32(1 - c.beta1) * self._gradient
        self._square *= np.float32(c.beta2)
        self._square += np.float32(1 - c.beta2) * (self._gradient * self._gradient)
        spread = np.sqrt(self._square)
        spread /= np.float32(np.sqrt(1 - self._power2))
        spread += np.float32(c.epsilon)
        self._weights *= np.float32(1 - self.learning_rate * c.weight_decay)
        self._weights -= np.float32(self.learning_rate / (1 - self._power1)) * (self._mean / spread)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """What a later step depends on besides the weights."""
        return {
            "mean": self._mean.copy(),
            "square": self._square.copy(),
            "scalars": np.array([self._steps, self._power1, self._power2, self.learning_rate]),
        }

    def restore(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Go on from where :meth:`state` was taken.

        Raises:
            TrainingError: The state is of a model with another number of parameters.
        """
        if state["mean"].shape != self._mean.shape:
            raise TrainingError(
                f"the optimizer's state is for {state['mean'].size} parameters, the model has {self._mean.size}; "
                "restore it into the model it was saved with"
            )
        self._mean[:] = state["mean"]
        self._square[:] = state["square"]
        steps, self._power1, self._power2, self.learning_rate = (float(x) for x in state["scalars"])
        self._steps = int(steps)
