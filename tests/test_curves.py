"""The pictures of the growth curves: what rises is drawn so."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from benchmarks.curves import Line, draw

SVG = "{http://www.w3.org/2000/svg}"


def test_what_grows_rises_and_what_does_not_is_level() -> None:
    level = Line("W3", "#f00", [(1_000, 2.0), (10_000, 2.0), (100_000, 2.0)], is_floor=False)
    rising = Line("W5", "#00f", [(1_000, 1.0), (10_000, 10.0), (100_000, 100.0)], is_floor=True)
    picture = ElementTree.fromstring(draw("Sizes & times", [level, rising]))
    drawn = {path.get("stroke"): path for path in picture.iter(f"{SVG}path")}
    heights = {
        colour: [float(y) for y in re.findall(r" ([0-9.]+)", str(drawn[colour].get("d")))]
        for colour in ("#f00", "#00f")
    }
    assert len(set(heights["#f00"])) == 1
    first, middle, last = heights["#00f"]
    assert first > middle > last
    assert abs((first - middle) - (middle - last)) < 0.2
    assert drawn["#00f"].get("stroke-dasharray")
    assert not drawn["#f00"].get("stroke-dasharray")
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[0] == "Sizes & times"
    assert "100,000" in texts
    assert "W3" in texts
