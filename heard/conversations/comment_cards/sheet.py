"""Comment cards on A4: drawn as SVG, eight to a page, which browsers print and PDF keeps.

Letters of every script are shaped by the browser, or for the PDF by the fonts of this machine. What
draws the PDF weighs 20 MB, and is loaded when one is asked for.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice

import segno

WIDTH, HEIGHT = 210.0, 297.0
"""A4, in millimetres: as all lengths here."""
COLUMNS, ROWS = 2, 4
CODE_SIZE = 38.0
MARGIN = 7.0
TEXT_WIDTH = WIDTH / COLUMNS - CODE_SIZE - 2.6 * MARGIN
SMALLEST = 2.8
INK, SOFT, LINE = "#14261f", "#44544d", "#b9c4be"
SANS = "'Noto Sans', 'Liberation Sans', 'DejaVu Sans', Arial, sans-serif"
SERIF = "'Iowan Old Style', Palatino, 'TeX Gyre Pagella', P052, 'Noto Serif', Georgia, serif"


@dataclass(frozen=True, slots=True)
class Printed:
    """What stands on one card."""

    company: str
    table: str
    address: str


def pages(cards: Sequence[Printed], *, words: str) -> list[str]:
    """The cards as pages of SVG."""
    rest = iter(cards)
    drawn = []
    while batch := list(islice(rest, COLUMNS * ROWS)):
        drawn.append(_page(batch, words=words))
    return drawn


def pdf(drawn: Sequence[str], *, title: str) -> bytes:
    """The pages as one PDF."""
    import pypdf  # noqa: PLC0415 - see above
    import vl_convert  # noqa: PLC0415

    whole = pypdf.PdfWriter()
    for page in drawn:
        whole.append(io.BytesIO(vl_convert.svg_to_pdf(page)))
    for made in whole.pages:  # the converter counts pixels, paper is counted in points
        made.scale_to(WIDTH / 25.4 * 72, HEIGHT / 25.4 * 72)
    whole.add_metadata({"/Title": title, "/Producer": "heard"})
    file = io.BytesIO()
    whole.write(file)
    return file.getvalue()


def _page(batch: Sequence[Printed], *, words: str) -> str:
    wide, high = WIDTH / COLUMNS, HEIGHT / ROWS
    places = [(n % COLUMNS * wide, n // COLUMNS * high) for n in range(len(batch))]
    cards = [
        f'<g transform="translate({x:.2f} {y:.2f})">{"".join(_card(card, words=words))}</g>'
        for card, (x, y) in zip(batch, places, strict=True)
    ]
    cuts = [f"M{column * wide:.2f} 0V{HEIGHT:.2f}" for column in range(1, COLUMNS)]
    cuts += [f"M0 {row * high:.2f}H{WIDTH:.2f}" for row in range(1, ROWS)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<path d="{"".join(cuts)}" stroke="{LINE}" stroke-width=".2" stroke-dasharray="1 1.5"/>'
        f"{''.join(cards)}</svg>"
    )


def _card(card: Printed, *, words: str) -> Iterator[str]:
    high = HEIGHT / ROWS
    middle = high / 2 - 4
    left = 1.6 * MARGIN + CODE_SIZE
    yield from _code(card.address, x=MARGIN, y=middle - CODE_SIZE / 2)
    lines = [
        *_lines(
            card.company, size=_fitting(card.company, most=3.6), most=2, colour=SOFT, font=SANS
        ),
        *_lines(card.table, size=_fitting(card.table, most=10.0), most=2, colour=INK, font=SERIF),
        *_lines(words, size=3.7, most=4, colour=INK, font=SANS),
    ]
    y = middle - sum(height for height, _ in lines) / 2
    for height, line in lines:
        y += height
        yield line.format(x=f"{left:.2f}", y=f"{y - height * 0.28:.2f}")
    address = card.address.removeprefix("https://").removeprefix("http://").rstrip("/")
    size = min(3.1, (WIDTH / COLUMNS - 2 * MARGIN) / max(1.0, _ems(address)))
    yield (
        f'<text x="{WIDTH / COLUMNS / 2:.2f}" y="{high - MARGIN:.2f}" text-anchor="middle"'
        f' font-family="{SANS}" font-size="{size:.2f}" fill="{SOFT}">{escape(address)}</text>'
    )


def _code(address: str, *, x: float, y: float) -> Iterator[str]:
    matrix = segno.make(address, error="m", micro=False).matrix
    quiet = 2  # the paper around it is white as well
    unit = CODE_SIZE / (len(matrix) + 2 * quiet)
    runs = []
    for row, modules in enumerate(matrix):
        start = None
        for column, module in enumerate([*modules, 0]):
            if module and start is None:
                start = column
            elif not module and start is not None:
                runs.append(f"M{start} {row}h{column - start}v1h{start - column}z")
                start = None
    yield (
        f'<path transform="translate({x + quiet * unit:.2f} {y + quiet * unit:.2f})'
        f' scale({unit:.4f})" fill="#000" d="{"".join(runs)}"/>'
    )


def _lines(text: str, *, size: float, most: int, colour: str, font: str) -> list[tuple[float, str]]:
    """The height of each line and the line itself, without its place; what is too long is cut."""
    height = size * 1.3
    shown = _wrapped(text, size=size)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{shown[most - 1]} …"]
    weight = ' font-weight="600"' if font == SERIF else ""
    drawn = [
        f'<text x="{{x}}" y="{{y}}" font-family="{font}" font-size="{size:.2f}"{weight}'
        f' fill="{colour}">{escape(line).replace("{", "{{").replace("}", "}}")}</text>'
        for line in shown
    ]
    return [*((height, line) for line in drawn), (size * 0.45, "")]


def _wrapped(text: str, *, size: float) -> list[str]:
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if not lines[-1] or _ems(joined) * size <= TEXT_WIDTH:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line for line in lines if line]


def _fitting(text: str, *, most: float) -> float:
    """The size at which the longest word, or all of it on two lines, finds room."""
    longest = max((_ems(word) for word in text.split()), default=1.0)
    halves = _ems(text) / 1.7
    return max(SMALLEST, min(most, TEXT_WIDTH / max(longest, halves, 1.0)))


def _ems(text: str) -> float:
    """How wide a text will be, as far as can be said without its font."""
    wide = sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.52 for sign in text)
    return wide + 0.12 * sum(sign.isupper() for sign in text)
