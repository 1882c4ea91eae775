"""Lifts a plain module, written for one run, to a leading run axis.

The module is traced once; its operations are one chain from the input to the logits. What each of them is for many
runs at once stands in the table of `operations`; nothing else knows how stacked runs compute.
"""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError

from sublearn.errors import InputError
from sublearn.training.operations import (
    FUNCTIONS,
    MODULES,
    Context,
    Rule,
    as_features,
    flattened,
    mean_of_embedded,
    relu,
    relu_in_place,
    unchanged,
    unknown,
)

State = dict[str, Tensor]


def lifted(model: nn.Module) -> "Lifted":
    """The module for many runs; traced once for each module, which takes milliseconds."""
    if model not in _TRACED:
        _TRACED[model] = Lifted(model)
    return _TRACED[model]


def has_rules(model: nn.Module) -> bool:
    """Whether every operation of the module has a rule."""
    try:
        lifted(model)
    except InputError:
        return False
    return True


class Lifted:
    """A module for many runs: call it with a stacked state and inputs "run example ..." to get "run example logit"."""

    def __init__(self, model: nn.Module) -> None:
        if len(list(model.named_parameters())) < len(list(model.named_parameters(remove_duplicate=False))):
            raise unknown("parameters that two layers share")
        # The modules are only read here: what is kept must not keep the model alive.
        modules = dict(model.named_modules())
        self._rules = [_rule(node, modules) for node in _chain(_trace(model))]

    def __call__(
        self, state: Mapping[str, Tensor], inputs: Tensor, weights: Tensor | None = None, training: bool = False
    ) -> Tensor:
        context, value = Context(state, weights, training), inputs
        for rule in self._rules:
            value = rule(context, value)
        return value.transpose(-1, -2)


_TRACED: WeakKeyDictionary[nn.Module, Lifted] = WeakKeyDictionary()


def _trace(model: nn.Module) -> list[fx.Node]:
    """The model's operations in order, the output last."""
    try:
        nodes = list(fx.symbolic_trace(model).graph.nodes)
    except (TraceError, TypeError) as error:
        raise InputError(f"A cohort cannot trace {type(model).__name__}: {error}") from None
    inputs = [str(node.target) for node in nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise InputError(f"A cohort's model takes one input, got {', '.join(inputs) or 'none'}.")
    if not isinstance(nodes[-1].args[0], fx.Node):
        raise InputError(f"A cohort's model returns one tensor of logits, got {nodes[-1].args[0]}.")
    return nodes


def _chain(nodes: list[fx.Node]) -> list[fx.Node]:
    """The nodes on the way from the input to the output, which every operation of one argument makes a chain."""
    for node in nodes[:-1]:
        if node.op != "placeholder" and len(node.all_input_nodes) != 1:
            raise unknown(_named(node))
    chain = [nodes[-1].all_input_nodes[0]]
    while chain[-1].op != "placeholder":
        chain.append(chain[-1].all_input_nodes[0])
    for node in nodes[:-1]:
        if node not in chain:
            raise InputError(f"A cohort's model uses all it computes; '{_named(node)}' is not used.")
    return chain[::-1]


def _rule(node: fx.Node, modules: Mapping[str, nn.Module]) -> Rule:
    found: Rule | None = None
    if node.op == "placeholder":
        return flattened if all(_flattens(user, modules) for user in node.users) else as_features
    if _flattens(node, modules):
        return unchanged
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) not in MODULES:
            raise unknown(type(module).__name__)
        if isinstance(module, nn.Embedding) and not all(_averages(user) for user in node.users):
            raise unknown("Embedding without the mean over its positions")
        found = MODULES[type(module)](str(node.target), module)
    elif node.op in ("call_function", "call_method") and node.target in FUNCTIONS:
        found = FUNCTIONS[node.target]
    elif _averages(node) and isinstance(_module(node.all_input_nodes[0], modules), nn.Embedding):
        found = mean_of_embedded
    if found is None:
        raise unknown(_named(node))
    return relu_in_place if found is relu and _may_overwrite(node.all_input_nodes[0], modules) else found


def _module(node: fx.Node, modules: Mapping[str, nn.Module]) -> nn.Module | None:
    return modules[str(node.target)] if node.op == "call_module" else None


def _flattens(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the node makes one feature axis of all that follows the examples."""
    module = _module(node, modules)
    if module is not None:
        return isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)
    named = node.target in ("flatten", torch.flatten)
    return named and _arguments(node, "start_dim", "end_dim") in ({"start_dim": 1}, {"start_dim": 1, "end_dim": -1})


def _averages(node: fx.Node) -> bool:
    """Whether the node is the mean over the axis that follows the examples."""
    return node.target in ("mean", torch.mean) and _arguments(node, "dim", "keepdim") in (
        {"dim": 1},
        {"dim": 1, "keepdim": False},
    )


def _arguments(node: fx.Node, *names: str) -> dict[str, Any]:
    """What the node is called with, behind its first argument, by name."""
    return dict(zip(names, node.args[1:], strict=False)) | {
        name: value for name, value in node.kwargs.items() if name not in ("input", "self")
    }


def _may_overwrite(source: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether the source is a fresh result of a layer, read by one operation and not needed for its own gradient."""
    module = _module(source, modules)
    if len(source.users) != 1:
        return False
    if isinstance(module, nn.Identity):
        return _may_overwrite(source.all_input_nodes[0], modules)
    return isinstance(module, (nn.Linear, nn.BatchNorm1d))


def _named(node: fx.Node) -> str:
    return getattr(node.target, "__name__", str(node.target))
