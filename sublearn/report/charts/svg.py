"""matplotlib figures as SVG text that adapts to light and dark paper, and as PNG bytes. Knows no study and no number.

matplotlib writes fixed colours; here each colour of the palette becomes a CSS class, so that one file serves both
papers and a viewer without CSS media queries still shows the light one.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray

from sublearn.report.charts.palette import PALETTE, light

NAMESPACE = "http://www.w3.org/2000/svg"
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
PIXELS_PER_INCH = 72
"""The unit of an SVG from matplotlib: lengths in figures are CSS pixels."""
SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "sublearn", "pdf.fonttype": 42}
LONGEST_TITLE = 1_000
PAPER_MM, MM_PER_INCH, PAPER_DPI = 170, 25.4, 300
"""The width of a figure for print: what A4 has between its margins. Letters are 7 to 8 points high then."""
_NAMES = {colours[0]: name for name, colours in PALETTE.items()}
POINTS, DENSITY = "points", "density"
"""The names of groups of marks: one mark a run, or one shape for all of them."""
_CLASSES = {POINTS: POINTS, DENSITY: DENSITY, "xtick": "tick", "ytick": "tick"}
_NUMBER = re.compile(r"-?[\d.]+(?:e-?\d+)?")
_MARKER_ID = re.compile(r"m[0-9a-f]{10}")


def css() -> str:
    """The rules that colour every figure, for light and for dark paper."""
    day, night = (" ".join(_rules(paper)) for paper in (0, 1))
    return f".figure {{ font-family: {FONTS} }} {day} @media screen and (prefers-color-scheme: dark) {{ {night} }}"


def svg_text(figure: Figure, label: str) -> str:
    """The figure as a self-contained SVG file; `label` is read out by screen readers."""
    with _settings():
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True)
    root = ElementTree.fromstring(buffer.getvalue())
    _without_namespaces(root)
    _cleaned(root)
    _, _, width, height = (float(part) for part in root.get("viewBox", "").split())
    box = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    root.attrib = {"xmlns": NAMESPACE, "class": "figure", "role": "img", "aria-label": label, **box}
    style = ElementTree.Element("style")
    style.text = css()
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def inline(svg: str, prefix: str) -> str:
    """The SVG for the inside of a page that holds `css()`: no style of its own, and ids that begin with `prefix`."""
    return ElementTree.tostring(_inlined(svg, prefix), encoding="unicode")


def inline_twins(wide: str, narrow: str, prefix: str) -> tuple[str, str]:
    """One figure in two widths, each as `inline` gives it; the narrow one refers to the densities of the wide one."""
    roots = _inlined(wide, f"{prefix}w"), _inlined(narrow, f"{prefix}n")
    for number, (shape, twin) in enumerate(zip(*map(_densities, roots), strict=True)):
        _share(shape, twin, f"{prefix}d{number}")
    first, second = (ElementTree.tostring(root, encoding="unicode") for root in roots)
    return first, second


def png_bytes(figure: Figure, scale: float = 2.0) -> bytes:
    """The figure as PNG on white paper, `scale` image pixels for each CSS pixel."""
    with _settings():
        buffer = BytesIO()
        dpi = PIXELS_PER_INCH * scale
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=light("paper"), metadata={"Software": None})
    return buffer.getvalue()


def figure_bytes(figure: Figure, label: str, kind: str) -> bytes:
    """The figure as a file of this kind, svg, png or pdf, as wide as a page of paper has room for.

    `label` says what it shows, in words. The figure is made smaller with all that is in it: it is of no other use then.
    """
    if kind == "svg":
        return _in_millimetres(svg_text(figure, label)).encode()
    _made_smaller(figure, PAPER_MM / MM_PER_INCH / figure.get_figwidth())
    if kind == "png":
        return png_bytes(figure, PAPER_DPI / PIXELS_PER_INCH)
    with _settings():
        buffer = BytesIO()
        about = {"Title": label[:LONGEST_TITLE], "Creator": None, "Producer": None, "CreationDate": None}
        figure.savefig(buffer, format="pdf", facecolor=light("paper"), metadata=about)
    return buffer.getvalue()


def _in_millimetres(svg: str) -> str:
    """The SVG with the width of paper, which it has where it is printed."""
    root = ElementTree.fromstring(svg.replace(f' xmlns="{NAMESPACE}"', "", 1))
    _, _, width, height = (float(part) for part in root.get("viewBox", "").split())
    size = {"width": f"{PAPER_MM}mm", "height": f"{PAPER_MM * height / width:.4g}mm"}
    root.attrib = {"xmlns": NAMESPACE, **root.attrib, **size}
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _made_smaller(figure: Figure, scale: float) -> None:
    """Scale the figure with its letters, lines and marks; what has a place by shares of the figure moves along."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * scale, height * scale)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            old: dict[str, Any] = dict(axis.get_tick_params())
            length, pad = (float(old.get(name, 3.5)) * scale for name in ("length", "pad"))
            axis.set_tick_params(length=length, pad=pad)
            axis.labelpad *= scale
    for artist in figure.findobj():
        if isinstance(artist, Text):
            artist.set_fontsize(float(artist.get_fontsize()) * scale)
        elif isinstance(artist, Line2D):
            artist.set(linewidth=artist.get_linewidth() * scale, markersize=artist.get_markersize() * scale)
            artist.set_markeredgewidth(artist.get_markeredgewidth() * scale)
        elif isinstance(artist, Patch):
            artist.set_linewidth(artist.get_linewidth() * scale)


@contextmanager
def _settings() -> Iterator[None]:
    # A letter that the measuring font lacks is still drawn by the browser's own font.
    with warnings.catch_warnings(), matplotlib.rc_context(SETTINGS):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _inlined(svg: str, prefix: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg.replace(f' xmlns="{NAMESPACE}"', "", 1))
    root.remove(root[0])
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{prefix}-{element.get('id')}")
        if "href" in element.attrib:
            element.set("href", f"#{prefix}-{element.get('href', '')[1:]}")
    return root


def _rules(paper: int) -> list[str]:
    # Where a viewer puts a figure on white paper in dark mode, it brings its own paper.
    own = [f".figure {{ background: {PALETTE['paper'][paper]} }}"]
    parts = [(part, name) for name in PALETTE for part in ("fill", "stroke")]
    return own + [f".figure .{part}-{name} {{ {part}: {PALETTE[name][paper]} }}" for part, name in parts]


def _without_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}


def _cleaned(root: ElementTree.Element) -> None:
    """Drop metadata and unused ids, name the groups of points, turn the palette's colours into classes."""
    for child in [child for child in root if child.tag in ("metadata", "defs")]:
        root.remove(child)
    for element in root.iter():
        element.tail = "\n" if element.tail and element.tag == "g" else None
        if element.text is not None and not element.text.strip():
            element.text = None
        element.attrib.pop("clip-path", None)
        name = element.get("id", "")
        if name and not _MARKER_ID.fullmatch(name):
            del element.attrib["id"]
        for start, group in _CLASSES.items():
            if name.startswith(start):
                element.set("class", group)
        if "style" in element.attrib:
            _themed(element)
        _lift_styles(element)


def _lift_styles(group: ElementTree.Element) -> None:
    """Move what all marks of a group share from the marks to the group, and round their places."""
    shapes = list(group) if group.get("class") == DENSITY else []
    uses = [child for child in group if child.tag == "use"]
    for mark in (*shapes, *uses):
        style = mark.attrib.pop("style", None)
        if style is not None and group.get("style") is None:
            group.set("style", style)
    for use in uses:
        for axis in ("x", "y"):
            use.set(axis, f"{float(use.get(axis, '0')):.2f}")
    for shape in shapes:
        shape.set("d", f"M{' '.join(f'{place:g}' for place in np.round(_places(shape), 1).ravel())}z")
    if (shapes or uses) and "style" in group.attrib:
        _themed(group)


def _share(shape: ElementTree.Element, twin: ElementTree.Element, name: str) -> None:
    """Let the twin of a shape, which is wider or narrower and stands elsewhere, refer to the shape."""
    (left, top), (right, _) = np.min(_places(shape), axis=0), np.max(_places(shape), axis=0)
    (start, above), (end, _) = np.min(_places(twin), axis=0), np.max(_places(twin), axis=0)
    scale = (end - start) / (right - left) if right > left else 1
    shape.set("id", name)
    twin.tag = "use"
    moved = f"matrix({scale:.6g} 0 0 1 {start - scale * left:.2f} {above - top:.2f})"
    twin.attrib = {"href": f"#{name}", "transform": moved}


def _places(shape: ElementTree.Element) -> NDArray[np.float64]:
    """The corners of a path of straight lines, each as x and y."""
    return np.array(_NUMBER.findall(shape.get("d", "")), dtype=float).reshape(-1, 2)


def _densities(root: ElementTree.Element) -> list[ElementTree.Element]:
    groups = root.iterfind(".//g[@class]")
    return [shape for group in groups if DENSITY in group.get("class", "").split() for shape in group]


def _themed(element: ElementTree.Element) -> None:
    classes, kept = [element.get("class", "")], []
    for declaration in element.get("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key in ("fill", "stroke") and value in _NAMES:
            classes.append(f"{key}-{_NAMES[value]}")
        elif key == "font":
            kept += _font(value)
        elif key and key != "font-family":  # that of all figures is in the style sheet
            kept.append(f"{key}: {value}")
    element.attrib |= {"class": " ".join(filter(None, classes)), "style": "; ".join(kept)}
    for key in ("class", "style"):
        if not element.attrib[key]:
            del element.attrib[key]


def _font(value: str) -> list[str]:
    """Size and weight of a font; the family is the figure's."""
    size = re.search(r"([\d.]+)px", value)
    weight = re.match(r"(bold|[1-9]00)\b", value)
    parts = [f"font-size: {size.group(1)}px"] if size else []
    return [*parts, f"font-weight: {weight.group(1)}"] if weight else parts
