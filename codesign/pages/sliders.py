"""The panel of sliders by which a page is priced again, and the marks that its script looks for.

The panel is hidden until the script shows it: without scripts nothing can move. What states an
energy and is not computed again carries `data-at-file`, which the style spells out while a slider
is off 1. The panel stands above everything that becomes longer then, and keeps its place.
"""

import html
from collections.abc import Iterator

from codesign.pages.content import Priced, Repricing, Slider
from codesign.pages.palette import words
from codesign.pages.repricing import FACTORS, states_energy

_HALF = len(FACTORS) // 2
_RULES = (
    "Factors on what the architecture's file says. Nothing is simulated again: latency stays as it "
    "is. The page's address keeps them."
)


def panel(repricing: Repricing) -> Iterator[str]:
    """Sliders, what they do to each run, and what they do to the ranking of several."""
    yield '<section class="sliders" id="sliders" aria-label="Other coefficients" hidden>'
    yield "<details><summary>What if energy coefficients were different?</summary>"
    yield f"<p>{_text(_RULES)}{_text(_without_slider(repricing))}</p>"
    yield '<div class="factors">'
    yield from map(_slider, repricing.sliders)
    yield "</div></details>"
    yield '<div class="outcome"><button type="button" disabled>Reset to the file</button>'
    yield '<p class="totals" role="status"></p></div>'
    yield '<p class="flips" role="status" aria-live="polite"></p>'
    yield "</section>"


def _slider(slider: Slider) -> str:
    name, components = _text(slider.name), ", ".join(map(words, slider.components))
    hint = "" if len(slider.components) == 1 else f"<small>{_text(components)}</small>"
    return (
        f'<div class="factor"><label for="factor-{name}">{_text(slider.label)}</label>'
        f'<output for="factor-{name}" aria-live="off"></output>'
        f'<input type="range" id="factor-{name}" name="{name}" min="-{_HALF}" max="{_HALF}" '
        f'step="1" value="0" autocomplete="off">{hint}</div>'
    )


def _without_slider(repricing: Repricing) -> str:
    """What of the runs' energy no slider moves."""
    moved = {name for slider in repricing.sliders for name in slider.components}
    spent = [(name, value) for parts in repricing.runs_pj.values() for name, value in parts.items()]
    kept = dict.fromkeys(words(name) for name, value in spent if value and name not in moved)
    return f" Without a slider: {', '.join(kept)}." if kept else ""


def marks(priced: Priced | None, text: str) -> str:
    """Attributes of an element that shows a number or a text: what it is made of, if it can be
    priced again; that it is at the file's coefficients, if it states an energy and cannot."""
    if priced is not None and priced.parts is not None:
        parts = " ".join(f"{name} {value!r}" for name, value in priced.parts.items())
        unit = f' data-unit="{_text(priced.unit)}"' * (priced.unit != "J")
        size = f' data-size="{priced.size!r}"' * (priced.size != 1.0)
        return f' data-parts="{_text(parts)}"{unit}{size}'
    return at_file(states_energy(text)) if priced is None else at_file(True)


def at_file(states: bool) -> str:
    return " data-at-file" if states else ""


def _text(value: str) -> str:
    return html.escape(value, quote=True)
