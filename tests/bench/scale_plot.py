"""One plot of what the index costs as the market grows, from what ``bench_scale --json`` wrote.

``python -m tests.bench.scale_plot FIGURES.json … --out scale.svg``; files are taken together, the last of a size counts.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 250, 24, 48
# What is drawn: its name, its colour, and where its figure stands.
LINES = (
    ("no filter, p95 ms", "#a8481c", ("shapes", "none", "all_ms", "p95")),
    ("all hard rules, p95 ms", "#0b5a94", ("shapes", "all hard rules", "all_ms", "p95")),
    ("all hard rules, p50 ms", "#7fb2da", ("shapes", "all hard rules", "all_ms", "p50")),
    ("vectors alone, no filter, p50 ms", "#1c7a4d", ("shapes", "none", "vectors_ms", "p50")),
    ("a process of its own, MiB", "#6b6b6b", ("clients", "uss_mib", 0)),
    ("snapshot to be ready, s", "#b08a00", ("load_seconds",)),
)


def figure(measured: Mapping, path: Sequence) -> float | None:
    """Return the figure at this path, None where it was not measured."""
    value = measured
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return float(value)


def plot(measured: Sequence[Mapping]) -> str:
    """Return an SVG with both axes logarithmic: listings across, cost upwards."""
    by_size = {one["listings"]: one for one in measured}
    sizes = sorted(by_size)
    lines = [
        (name, colour, [(size, value) for size in sizes if (value := figure(by_size[size], path))])
        for name, colour, path in LINES
    ]
    values = [value for _name, _colour, points in lines for _size, value in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def across(size: float) -> float:
        return LEFT + (math.log10(size) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for power in range(low, high + 1):
        y = up(10**power)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    for size in sizes:
        parts.append(f'<path d="M{across(size):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{across(size):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{size:,}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">listings in one process</text>')
    # Names stand at the ends of their lines, moved apart where two end alike.
    free = math.inf
    for name, colour, points in sorted(lines, key=lambda line: -up(line[2][-1][1]) if line[2] else 0):
        if not points:
            continue
        path = " ".join(f"{across(size):.1f},{up(value):.1f}" for size, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(s):.1f}" cy="{up(v):.1f}" r="3" fill="{colour}"/>' for s, v in points]
        free = min(up(points[-1][1]), free - 17)
        said = f"{name}: {points[-1][1]:,.3g}"
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{free + 4:.1f}" fill="{colour}">{said}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FIGURES.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    arguments = parser.parse_args()
    measured = [one for path in arguments.files for one in json.loads(path.read_text(encoding="utf-8"))]
    arguments.out.write_text(plot(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
