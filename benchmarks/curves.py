"""Draw how long the works take at growing sizes: `python -m benchmarks.curves RESULTS.json`.

One picture for each database, `docs/growth-sqlite.svg` and so on, of what `python -m benchmarks`
wrote. Both axes are logarithmic: what grows with the dataset rises, what does not is level.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

DOCS = Path(__file__).parents[1] / "docs"
WORKS = {
    "W1 create with 1,000": "#4e79a7",
    "W3 update 3 in place": "#f28e2b",
    "W3 update 3, version": "#e15759",
    "W4 update 1,000": "#76b7b2",
    "W5 read both": "#59a14f",
    "W6 page of 500, first": "#b07aa1",
    "W6 page of 500, last": "#9c755f",
}
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 200, 40, 50


class Line(NamedTuple):
    """A work's milliseconds by size; the floor's are dashed."""

    name: str
    colour: str
    points: list[tuple[int, float]]
    is_floor: bool


def main() -> None:
    """Draw the pictures of a run that is over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("results", type=Path, help="the JSON of a run")
    parser.add_argument("--folder", type=Path, default=DOCS, help="where the pictures go")
    options = parser.parse_args()
    draw_results(options.results, options.folder)


def draw_results(results: Path, folder: Path = DOCS) -> None:
    """Draw a picture for each database in a file of results."""
    wholes = json.loads(results.read_text())["wholes"]
    for engine in sorted({whole["engine"] for whole in wholes}):
        chosen = [whole for whole in wholes if whole["engine"] == engine]
        path = folder / f"growth-{engine}.svg"
        path.write_text(draw(f"Exempla on {engine}; dashed: its floor", list(_lines(chosen))))
        print(f"written to {path}")


def _lines(wholes: list[dict[str, Any]]) -> Iterable[Line]:
    for work, colour in WORKS.items():
        for key in ("exempla_ms", "floor_ms"):
            points = [
                (whole["examples"], result[key])
                for whole in sorted(wholes, key=lambda whole: int(whole["examples"]))
                for result in whole["results"]
                if result["work"] == work
            ]
            yield Line(work, colour, points, key == "floor_ms")


def draw(title: str, lines: list[Line]) -> str:
    """Return the picture as SVG."""
    sizes = sorted({size for line in lines for size, _ in line.points})
    times = [time for line in lines for _, time in line.points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    span = math.log10(sizes[-1] / sizes[0]) or 1

    def x(size: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(size / sizes[0]) / span

    def y(time: float) -> float:
        share = (math.log10(time) - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [_text(LEFT, 22, title)]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#8884"/>')
        parts.append(_text(LEFT - 8, at + 4, f"{10.0**power:g} ms", "end"))
    for size in sizes:
        parts.append(_text(x(size), HEIGHT - BOTTOM + 20, f"{size:,}", "middle"))
    for number, line in enumerate(lines):
        path = "L".join(f"{x(size):.1f} {y(time):.1f}" for size, time in line.points)
        dashes = ' stroke-dasharray="4 4"' if line.is_floor else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{line.colour}"{dashes}/>')
        if not line.is_floor:
            at = TOP + 12 + 10 * number
            parts.append(_text(WIDTH - RIGHT + 20, at, line.name, colour=line.colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" stroke-width="2">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#888") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" stroke="none"'
    return f"<text {place}>{escape(text)}</text>"


if __name__ == "__main__":
    main()
