"""What surrounds a forward that is followed: modes, hooks, functions that also take unknown sizes.

PyTorch is left as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tfdeconv.convert.by_size.sizes import UnknownSize
from tfdeconv.convert.graph import shaping
from tfdeconv.convert.pytorch.functions.convolutions import UpTo
from tfdeconv.convert.pytorch.tensors import Call, TracedTensor
from tfdeconv.errors import ConversionError


@contextmanager
def following(module: Any, running: list[Any], call: Call) -> Iterator[None]:
    """Have a module and those in it run in evaluation mode, without gradients, uncompiled.

    Args:
        module: What runs.
        running: Where the modules that are running are listed, the innermost one last.
        call: What traced tensors hand calls of functions to.

    Raises:
        ConversionError: Random numbers were drawn.
    """
    torch = sys.modules["torch"]
    modules = list(module.modules())
    states = [(dict(vars(inner)), dict(inner._buffers), dict(inner._modules)) for inner in modules]

    def enter(inner: Any, args: Any) -> None:
        running.append(inner)

    def leave(inner: Any, args: Any, output: Any) -> None:
        running.pop()

    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        # nothing is compiled without the one, and PyTorch before 2.6 has not the other
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        for inner, state in zip(modules, states, strict=True):
            stack.callback(_restore, inner, *state)
            inner.training = False
            inner._modules.update((key, getattr(each, "_orig_mod", each)) for key, each in state[2].items())
        hooks, conv = torch.nn.modules.module, torch.nn.modules.conv
        stack.callback(hooks.register_module_forward_pre_hook(enter).remove)
        stack.callback(hooks.register_module_forward_hook(leave, always_call=True).remove)
        generator = torch.default_generator.get_state()
        for owner, name, substitute in (
            (torch, "zeros", _filling(torch.zeros, 0.0, call)),
            (torch, "ones", _filling(torch.ones, 1.0, call)),
            (torch, "full", _filling(torch.full, None, call)),
            (torch, "tensor", _passing_sizes(torch.tensor)),
            (torch.Tensor, "expand", _expanding(torch.Tensor.expand, call)),
            (torch.Tensor, "repeat", _repeating(torch.Tensor.repeat)),
            (conv._ConvTransposeNd, "_output_padding", _sized(conv._ConvTransposeNd._output_padding)),
        ):
            undo = partial(setattr, owner, name, vars(owner)[name]) if name in vars(owner) else None
            stack.callback(undo or partial(delattr, owner, name))
            setattr(owner, name, substitute)
        yield
        if not torch.equal(generator, torch.default_generator.get_state()):
            raise ConversionError(
                f"The forward of {type(module).__name__} draws random numbers in evaluation mode, "
                "which a converted model would repeat in every call. Give it the noise as an input."
            )


def _restore(
    module: Any, attributes: dict[str, Any], buffers: dict[str, Any], children: dict[str, Any]
) -> None:
    """Take back what a forward has set, its mode too: traced tensors are of no use there."""
    for kept, now in (
        (attributes, vars(module)),
        (buffers, attributes["_buffers"]),
        (children, attributes["_modules"]),
    ):
        now.clear()
        now.update(kept)


def _filling(original: Callable[..., Any], constant: float | None, call: Call) -> Callable[..., Any]:
    """``torch.zeros``, ``ones`` or ``full`` (constant None) that takes sizes of traced tensors, too."""

    def function(*sizes: Any, **options: Any) -> Any:
        listed = list(sizes[0]) if sizes and isinstance(sizes[0], list | tuple) else list(sizes)
        if not any(isinstance(size, UnknownSize) for size in listed):
            return original(*sizes, **options)
        number = constant if constant is not None else options.get("fill_value", sizes[-1])
        dtype = options.get("dtype") or (original(1) if constant is not None else original((), number)).dtype
        return TracedTensor(shaping.filled(number, listed, _name(dtype)), call)

    return function


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _passing_sizes(original: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.tensor`` that leaves a size as it is, so that it can be computed with as with a tensor."""

    def function(data: Any, *args: Any, **options: Any) -> Any:
        inner = data[0] if isinstance(data, list | tuple) and len(data) == 1 else data
        return inner if isinstance(inner, UnknownSize) else original(data, *args, **options)

    return function


def _expanding(original: Callable[..., Any], call: Call) -> Callable[..., Any]:
    """``Tensor.expand`` of a constant that takes sizes of traced tensors, too."""

    def method(tensor: Any, *sizes: Any, **options: Any) -> Any:
        wanted = list(sizes[0]) if sizes and isinstance(sizes[0], list | tuple) else list(sizes)
        if not any(isinstance(size, UnknownSize) for size in wanted):
            return original(tensor, *sizes, **options)
        own = [*(1 for _ in wanted[tensor.ndim :]), *tensor.shape]
        full = [
            known if isinstance(size, int) and size == -1 else size
            for size, known in zip(wanted, own, strict=True)
        ]
        return TracedTensor(shaping.filled(0.0, full, _name(tensor.dtype)), call) + tensor

    return method


def _repeating(original: Callable[..., Any]) -> Callable[..., Any]:
    """``Tensor.repeat`` of a constant, as many times as there are examples, too."""

    def method(tensor: Any, *times: Any) -> Any:
        listed = list(times[0]) if times and isinstance(times[0], list | tuple) else list(times)
        if not listed or not isinstance(listed[0], UnknownSize):
            return original(tensor, *times)
        copies = original(tensor, 1, *listed[1:])
        return copies.expand(listed[0], *copies.shape[1:])

    return method


def _sized(original: Callable[..., Any]) -> Callable[..., Any]:
    """``_ConvTransposeNd._output_padding`` that leaves output sizes as they are where some are unknown."""

    def method(module: Any, input: Any, output_size: Any, stride: Any, *args: Any, **options: Any) -> Any:
        wanted = [] if output_size is None else list(output_size)[2 - input.dim() :]
        if not any(isinstance(size, UnknownSize) for size in (*wanted, *input.shape[2:])) or not wanted:
            return original(module, input, output_size, stride, *args, **options)
        return [
            UpTo(max(pair) - 1, size) for size, *pair in zip(wanted, stride, module.dilation, strict=True)
        ]

    return method
