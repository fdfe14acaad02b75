"""Small plots as inline SVG, without style attributes, which the pages' security policy forbids."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH = 160

_HIDDEN = Markup('aria-hidden="true"')


def share(part: float, label: str) -> Markup:
    """Return a bar that is filled to this share, from 0 to 1.

    The label tells it in words; none where they stand beside it.
    """
    role = Markup('role="img" aria-label="{}"').format(label) if label else _HIDDEN
    filled = round(WIDTH * min(max(part, 0.0), 1.0), 1)
    return Markup(
        '<svg class="plot share" {} viewBox="0 0 {w} 8" width="{w}" '
        'height="8"><rect class="track" width="{w}" height="8" rx="2"/>'
        '<rect class="fill" width="{}" height="8" rx="2"/></svg>'
    ).format(role, filled, w=WIDTH)


def bars(counts: Sequence[int], titles: Sequence[str], label: str, height: int = 36) -> Markup:
    """Return a bar for each count, with a title when pointed at; bars of something are seen."""
    most = max(counts, default=0) or 1
    width = min(WIDTH / max(len(counts), 1), WIDTH / 6)
    shapes = []
    for index, (count, title) in enumerate(zip(counts, titles, strict=True)):
        tall = max(round((height - 2) * count / most, 1), 1.5) if count else 0
        shapes.append(
            Markup(
                '<rect class="fill" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
            ).format(
                round(index * width + 0.5, 1),
                round(height - tall, 1),
                round(max(width - 1, 1), 1),
                tall,
                title,
            )
        )
    return Markup(
        '<svg class="plot" role="img" aria-label="{}" viewBox="0 0 {w} {h}" width="{w}" '
        'height="{h}">{}</svg>'
    ).format(label, Markup("").join(shapes), w=WIDTH, h=height)


def lengths(histogram: Sequence[int]) -> Markup:
    """Return the plot of a histogram of lengths by powers of two (`store/columns.py`)."""
    least = next((bits for bits, count in enumerate(histogram) if count), 0)
    shown = range(least, len(histogram))
    titles = [f"{histogram[bits]:,} of {_span(bits)}" for bits in shown]
    most = max(shown, key=lambda bits: histogram[bits], default=0)
    return bars(histogram[least:], titles, f"Lengths; most are of {_span(most)}")


def _span(bits: int) -> str:
    if bits < 2:
        return f"{bits} character{'' if bits == 1 else 's'}"
    return f"{2 ** (bits - 1):,} to {2**bits - 1:,} characters"
