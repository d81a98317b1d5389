"""How honest the probabilities are, drawn: what was said against what was right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import altair as alt
import vl_convert

Bins = Sequence[tuple[float, float, int]]


def reliability_chart(sets: Mapping[str, Bins]) -> str:
    """An SVG of small charts, one for each set and head; on the line is honest.

    A point is one bin of surety, the larger the more texts are in it.
    """
    rows = [
        {"set": name, "said": said, "right": right, "texts": count}
        for name, bins in sets.items()
        for said, right, count in bins
    ]
    axis = alt.Axis(format="%", tickCount=3, grid=False)
    scale = alt.Scale(domain=[0, 1])
    points = (
        alt.Chart()
        .mark_circle(color="#a5671f", opacity=0.9)
        .encode(
            alt.X("said:Q", title="said", axis=axis, scale=scale),
            alt.Y("right:Q", title="was right", axis=axis, scale=scale),
            alt.Size("texts:Q", legend=None, scale=alt.Scale(range=[15, 260])),
        )
    )
    honest = (
        alt.Chart()
        .mark_rule(color="#8a8578", strokeDash=[3, 3])
        .encode(
            x=alt.XDatum(0, scale=scale),
            y=alt.YDatum(0, scale=scale),
            x2=alt.X2Datum(1),
            y2=alt.Y2Datum(1),
        )
    )
    chart = (
        alt.layer(honest, points, data=alt.InlineData(values=rows))
        .properties(width=130, height=130)
        .facet(alt.Facet("set:N", title=None, header=alt.Header(labelLimit=150)), columns=4)
        .configure(background="white")
    )
    return str(vl_convert.vegalite_to_svg(json.loads(chart.to_json())))
