# SPDX-License-Identifier: Apache-2.0
"""Line charts side by side as one SVG, with a legend: colour by the first part of a line's name, dashes by the second."""
import collections
import math
from xml.sax.saxutils import escape

# field of a row; `logarithmic`: zeros lie at the bottom; `share`: 0 to 1, shown as percent
Panel = collections.namedtuple("Panel", "field title logarithmic share", defaults=(False, False))

COLOURS = ["#222222", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f", "#b22222"]
DASHES = ["", "6 3", "2 3", "8 3 2 3"]
WIDTH, HEIGHT, GAP, TOP, BOTTOM, LEGEND = 300, 240, 70, 40, 60, 190


class Scale:
    """Values to pixels between two ends, and the values worth a mark."""

    def __init__(self, values, begin, end, logarithmic=False, share=False):
        self.begin, self.end, self.logarithmic = begin, end, logarithmic
        positive = [value for value in values if value > 0]
        if logarithmic:
            self.floor = min(positive, default=1.0)
            least, most = math.log10(self.floor), math.log10(max(positive, default=1.0))
            room = 0.05 * (most - least) or 0.1
        else:
            self.floor = 0.0
            least, most = (0.0, 1.0) if share else (min(values), max(values))
            room = 0.0 if most > least else 1.0
        self.least, self.most = least - room, most + room
        self.marks = self._decades() if logarithmic else self._steps()

    def place(self, value):
        scaled = math.log10(max(value, self.floor)) if self.logarithmic else value
        return self.begin + (self.end - self.begin) * (scaled - self.least) / (self.most - self.least)

    def _steps(self):
        """Round numbers, at most seven."""
        span = self.most - self.least
        step = 10.0 ** math.floor(math.log10(span))
        step = next(step * factor for factor in (0.1, 0.2, 0.25, 0.5, 1, 2) if span / (step * factor) <= 6.0)
        first = math.ceil(self.least / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.most / step + 1e-9) + 1)]

    def _decades(self):
        """Powers of ten, with values between them where there are few."""
        low, high = math.floor(self.least), math.ceil(self.most)
        factors = [1]
        if self.most - self.least < 2.5:
            factors = [1, 2, 5]
        marks = [factor * 10.0 ** power for power in range(low, high + 1) for factor in factors]
        inside = [mark for mark in marks if self.least <= math.log10(mark) <= self.most]
        if len(inside) >= 3:
            return inside[::math.ceil(len(inside) / 7)]
        span = self.most - self.least
        return [float(f"{10.0 ** (self.least + span * i / 4):.3g}") for i in range(1, 4)]


def text(x, y, content, anchor="middle", size=11, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(content)}</text>'


def segment(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def draw_panel(panel, left, lines, x_field, x_title, style_of):
    bottom, right = TOP + HEIGHT, left + WIDTH
    rows = [row for line in lines.values() for row in line]
    x_scale = Scale([row[x_field] for row in rows], left, right)
    y_scale = Scale([row[panel.field] for row in rows], bottom, TOP, panel.logarithmic, panel.share)
    parts = [f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999999"/>',
             text(left + WIDTH / 2, TOP - 14, panel.title, size=13), text(left + WIDTH / 2, bottom + 38, x_title)]
    for mark in sorted({row[x_field] for row in rows}):
        x = x_scale.place(mark)
        parts += [segment(x, bottom, x, bottom + 5, 'stroke="#999999"'), text(x, bottom + 18, f"{mark:g}")]
    for mark in y_scale.marks:
        y = y_scale.place(mark)
        label = f"{100 * mark:.0f} %" if panel.share else f"{mark:.3g}"
        parts += [segment(left, y, right, y, 'stroke="#eeeeee"'), text(left - 6, y + 4, label, "end")]
    for name, line in lines.items():
        places = [(x_scale.place(row[x_field]), y_scale.place(row[panel.field])) for row in line]
        if len(places) == 1:  # the level that others are held against
            places = [(left, places[0][1]), (right, places[0][1])]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" {style_of[name]}/>')
        if len(line) > 1:
            colour = style_of[name].split('"')[1]
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
    return parts


def draw(panels, lines, x_field, x_title):
    """`lines`: (name, variant) -> rows in the order of x, each a mapping of fields to numbers."""
    colours = list(dict.fromkeys(name for name, _ in lines))
    variants = list(dict.fromkeys(variant for _, variant in lines))
    style_of = {}
    for name, variant in lines:
        colour = COLOURS[colours.index(name) % len(COLOURS)]
        dash = DASHES[variants.index(variant) % len(DASHES)]
        style_of[name, variant] = f'stroke="{colour}" stroke-width="1.6"' + (f' stroke-dasharray="{dash}"' if dash else "")
    width = GAP + len(panels) * (WIDTH + GAP) + LEGEND
    height = max(TOP + HEIGHT + BOTTOM, TOP + 18 * len(lines) + BOTTOM)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for index, panel in enumerate(panels):
        parts += draw_panel(panel, GAP + index * (WIDTH + GAP), lines, x_field, x_title, style_of)
    x = GAP + len(panels) * (WIDTH + GAP) - GAP + 24
    for index, (name, variant) in enumerate(lines):
        y = TOP + 10 + 18 * index
        parts += [segment(x, y, x + 34, y, style_of[name, variant]), text(x + 42, y + 4, f"{name}, {variant}", "start")]
    return "\n".join(parts + ["</svg>", ""])
