"""Figures as plotly's own objects, which refuse properties and values that plotly.js ignores."""

from plotly import graph_objects

from codesign.pages.content import Figure


def drawn(figure: Figure) -> graph_objects.Figure:
    return graph_objects.Figure(figure.data, figure.layout)
