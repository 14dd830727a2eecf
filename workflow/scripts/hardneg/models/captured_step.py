"""One step of a training, recorded once on a GPU and then replayed.

A step of a small network launches some 150 kernels, and launching them takes longer than running them. A CUDA graph
launches all of them at once.
"""

from collections.abc import Callable

import torch

Step = Callable[..., torch.Tensor]
WARM_UP_STEPS = 3  # run one by one, so that libraries have allocated what they need before the recording


class CapturedStep:
    """Runs a function of tensors as a CUDA graph.

    Parameters
    ----------
    step : a function of tensors on the GPU, whose shapes are the same at each call. It must not wait for the GPU, and
        what it does besides must not depend on anything but its arguments and on tensors that stay where they are.
    """

    def __init__(self, step: Step):
        self._step = step
        self._calls = 0
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call] # torch has no type for it
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[torch.Tensor] = []
        self._output = torch.empty(0)

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Run the step, and return what it returned, in memory that later calls leave alone."""
        self._calls += 1
        if self._calls <= WARM_UP_STEPS:
            return self._run_aside(inputs)
        if self._graph is None:
            self._capture(inputs)
        assert self._graph is not None
        for held, new in zip(self._inputs, inputs, strict=True):
            held.copy_(new)
        self._graph.replay()
        return self._output.clone()

    def _run_aside(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Run the step on the stream that it is recorded on."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            output = self._step(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return output

    def _capture(self, inputs: tuple[torch.Tensor, ...]) -> None:
        """Record the step, without running it."""
        self._inputs = [tensor.clone() for tensor in inputs]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._output = self._step(*self._inputs)
        self._graph = graph
