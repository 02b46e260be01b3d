"""Origins: where weights, inputs and coefficients come from, and what must not be overlooked.

All of it is in the result's summary; a page repeats what it can show.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from codesign.pages.palette import words

_OF_CARDS = ("command", "epochs", "loss", "seed")
"""What a page repeats of a card of trained weights; the summary has all."""
_SHOWN_INPUTS = 8
"""Inputs whose provenance a page tells one by one; the summary has all."""


def statements(provenance: Mapping[str, Any]) -> list[str]:
    """What the origin of weights and inputs forbids to be overlooked.

    Calibrated weights give the published number of operations and no accuracy, initialised ones
    not even that, and simulated events were seen by no camera: a page says so in its first lines.
    Other origins stand among the facts.
    """
    found = [f"Weights: {text}." for text in _not_trained(provenance)]
    found += [f"Input: {text}." for text in _not_recorded(provenance)]
    return list(dict.fromkeys(found))


def weights_words(provenance: Mapping[str, Any]) -> str | None:
    """Where trained weights or those of a checkpoint come from; None of others."""
    weights = provenance.get("weights")
    if not isinstance(weights, Mapping) or weights.get("kind") not in ("trained", "checkpoint"):
        return None
    card = weights.get("card", {})
    if "command" not in card:
        return str(weights["description"])
    return f"trained on {card['data']['title']}: {card['command']}"


def _not_recorded(node: Any) -> Iterator[str]:
    """Each input within a provenance that was simulated."""
    if isinstance(node, Mapping):
        kind = str(node.get("kind", ""))
        if kind.startswith("simulated"):
            name = node.get("name")
            yield f"{kind}{f' of {name}' if name else ''}, not recorded"
        else:
            for child in node.values():
                yield from _not_recorded(child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _not_recorded(child)


def _not_trained(node: Any) -> Iterator[str]:
    """Each origin of weights within a provenance that is known not to be training."""
    if isinstance(node, Mapping):
        kind = str(node.get("kind", ""))
        if kind.startswith("calibrated"):
            yield f"calibrated to {node.get('target') or 'published counts'}, not trained"
        elif kind.startswith("initialised"):
            yield "initialised at random, not trained"
        else:
            for child in node.values():
                yield from _not_trained(child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _not_trained(child)
    elif isinstance(node, str) and node.startswith("calibrated"):
        text = node.removesuffix(".")
        yield text if "not trained" in text else f"{text}, not trained"


def facts(summary: Mapping[str, Any]) -> dict[str, str]:
    """Where the numbers come from, as name and value."""
    known = {
        "workload": summary["workload"],
        "architecture": summary["architecture"],
        "timesteps": summary["timesteps"],
        "images": summary["images"],
    }
    identity = {
        "trace hash": summary["trace_hash"],
        "architecture hash": summary["architecture_hash"],
        "codesign version": summary["version"],
    }
    policy = dict(_flat("policy", summary.get("policy") or {}))
    found = {**known, **policy, **origin(summary["provenance"] or {}), **identity}
    return {name: str(value) for name, value in found.items()}


def origin(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Where weights and input come from, as name and value."""
    return {name: str(value) for name, value in _flat("", _shortened(provenance))}


def _shortened(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance in which no more is told one by one than a page can show."""
    weights = provenance.get("weights")
    if isinstance(weights, Mapping) and isinstance(weights.get("card"), Mapping):
        card = {key: weights["card"][key] for key in _OF_CARDS if key in weights["card"]}
        provenance = {**provenance, "weights": {**weights, "card": card}}
    inputs = provenance.get("input")
    if not isinstance(inputs, Mapping):
        return dict(provenance)
    shown = dict(list(inputs.items())[:_SHOWN_INPUTS])
    left_out = len(inputs) - len(shown)
    if not left_out or not all(isinstance(each, Mapping) for each in inputs.values()):
        return dict(provenance)
    return {**provenance, "input": shown, "further inputs": f"{left_out}, in summary.json"}


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Nested names joined to one: `weights kind`."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(f"{name} {words(str(key))}".strip(), child)
    else:
        yield name, value


def sources(summary: Mapping[str, Any]) -> dict[str, str]:
    """The source of every group of the architecture's numbers, if the summary carries them.

    A group of which a value was replaced says so: its source gave another one.
    """
    found = {str(name): str(value) for name, value in (summary.get("sources") or {}).items()}
    for change in summary.get("changes", ()):
        owners = [name for name in found if change.startswith(f"{name}.")]
        if owners:
            found[max(owners, key=len)] += f" (changed: {change})"
    return found
