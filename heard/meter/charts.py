"""Charts, written in Vega-Altair's grammar and drawn to SVG without a browser or the network.

Colours are the stylesheet's own custom properties, so a picture follows light and dark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

Rows = Sequence[Mapping[str, Any]]

COLOURS = {
    "#010101": "var(--ink-faint)",
    "#020202": "var(--line)",
    "#030303": "var(--brass)",
    "#040404": "var(--saffron)",
    "#050505": "var(--ink-soft)",
}
FAINT, LINE, BRASS, SAFFRON, SOFT = COLOURS
"""Stand-ins that the drawing is made with; `draw` puts the custom properties in their place."""

FONT = "inherit"


def draw(kind: str, rows: Rows) -> str:
    """Draw one chart as an SVG element. Raises `KeyError` for a kind that there is not."""
    chart, width = KINDS[kind]
    spec = chart(rows, width).configure(
        background="transparent", view=alt.ViewConfig(stroke=None, strokeWidth=0)
    )
    svg = str(vl_convert.vegalite_to_svg(json.loads(spec.to_json())))
    for stand_in, colour in COLOURS.items():
        svg = svg.replace(stand_in, colour)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def meter(rows: Rows, width: int) -> alt.LayerChart:
    """The share that recommends, week by week, with its interval; the size of a point is its count.

    Rows have `week` (ISO date), `share`, `low`, `high` (0 to 1, None without voices) and `count`.
    """
    voiced = [row for row in rows if row["share"] is not None]
    every = max(1, len(rows) // (6 if width > 400 else 3))
    axis = alt.Axis(
        title=None,
        format="%-d %b",
        values=[row["week"] for row in rows][::-1][::every],
        grid=False,
        domainColor=LINE,
        tickColor=LINE,
        labelColor=FAINT,
        labelFontSize=13,
        labelPadding=6,
    )
    weeks = alt.X(
        "week:T",
        axis=axis,
        scale=alt.Scale(domain=[rows[0]["week"], rows[-1]["week"]], padding=14),
    )
    shares = alt.Axis(
        title=None,
        format="%",
        values=[0, 0.5, 1],
        gridColor=LINE,
        domain=False,
        ticks=False,
        labelColor=FAINT,
        labelFontSize=13,
        labelPadding=8,
    )
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.InlineData(values=voiced))
    band = base.mark_rule(strokeWidth=10, color=SAFFRON, opacity=0.35, strokeCap="round").encode(
        x=weeks, y=alt.Y("low:Q", axis=shares, scale=scale), y2="high:Q"
    )
    line = base.mark_line(color=BRASS, strokeWidth=2.5, strokeJoin="round").encode(
        x=weeks, y=alt.Y("share:Q", axis=shares, scale=scale)
    )
    points = base.mark_circle(color=BRASS, opacity=1).encode(
        x=weeks,
        y=alt.Y("share:Q", axis=shares, scale=scale),
        size=alt.Size("count:Q", legend=None, scale=alt.Scale(type="sqrt", range=[30, 220])),
    )
    layers: alt.LayerChart = (band + line + points).properties(width=width, height=190)
    return layers


def learning(rows: Rows, width: int) -> alt.LayerChart:
    """How well a head reads held-out labels, refit by refit, beside the head as shipped.

    Rows have `at` (ISO moment), `score`, `low`, `high` and `shipped` (0 to 1), `count`, `is_used`.
    """
    axis = alt.Axis(
        title=None,
        format="%-d %b",
        tickCount=6 if width > 400 else 3,
        grid=False,
        domainColor=LINE,
        tickColor=LINE,
        labelColor=FAINT,
        labelFontSize=13,
        labelPadding=6,
    )
    moments = alt.X("at:T", axis=axis, scale=alt.Scale(padding=14))
    shares = alt.Axis(
        title=None,
        format=".1f",
        values=[0, 0.5, 1],
        gridColor=LINE,
        domain=False,
        ticks=False,
        labelColor=FAINT,
        labelFontSize=13,
        labelPadding=8,
    )
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.InlineData(values=list(rows)))
    shipped = base.mark_line(
        color=FAINT, strokeWidth=1.5, strokeDash=[4, 4], point=alt.OverlayMarkDef(color=FAINT)
    ).encode(x=moments, y=alt.Y("shipped:Q", axis=shares, scale=scale))
    band = base.mark_rule(strokeWidth=10, color=SAFFRON, opacity=0.35, strokeCap="round").encode(
        x=moments, y=alt.Y("low:Q", axis=shares, scale=scale), y2="high:Q"
    )
    used = base.transform_filter("datum.is_used")
    line = used.mark_line(color=BRASS, strokeWidth=2.5, strokeJoin="round").encode(
        x=moments, y=alt.Y("score:Q", axis=shares, scale=scale)
    )
    points = base.mark_point(color=BRASS, opacity=1, strokeWidth=2).encode(
        x=moments,
        y=alt.Y("score:Q", axis=shares, scale=scale),
        size=alt.Size("count:Q", legend=None, scale=alt.Scale(type="sqrt", range=[30, 220])),
        fill=alt.condition("datum.is_used", alt.value(BRASS), alt.value("transparent")),
    )
    layers: alt.LayerChart = (shipped + band + line + points).properties(width=width, height=150)
    return layers


Chart = Callable[[Rows, int], alt.LayerChart]

KINDS: dict[str, tuple[Chart, int]] = {
    "meter": (meter, 640),
    "meter-narrow": (meter, 280),
    "learning": (learning, 640),
    "learning-narrow": (learning, 280),
}
"""What can be drawn, and how wide in pixels."""
