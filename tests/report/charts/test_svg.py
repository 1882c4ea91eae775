from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from sublearn.report.charts import svg
from sublearn.report.charts.palette import PALETTE, light


def drawn(text: str = "word", colour: str = "same") -> str:
    figure = Figure(figsize=(2, 1), dpi=72)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 4), ylim=(0, 4))
    axes.text(1, 1, text, color=light(colour), parse_math=False)
    (line,) = axes.plot([1, 2, 3], [1, 2, 3], ls="", marker="o", mfc=light("cross"), mew=0)
    line.set_gid("points")
    return svg.svg_text(figure, "a <label> & more")


def test_palette_colours_become_classes_and_their_values_stay_in_the_style_alone():
    root = ElementTree.fromstring(drawn())
    style = root.find("{*}style")
    assert style is not None and style.text == svg.css()
    (text,) = (text for text in root.iterfind(".//{*}text") if text.text == "word")
    assert text.get("class") == "fill-same"
    root.remove(style)
    rest = ElementTree.tostring(root, encoding="unicode")
    assert light("same") not in rest and light("cross") not in rest


def test_a_figure_alone_brings_its_paper():
    assert all(f".figure {{ background: {colour} }}" in drawn() for colour in PALETTE["paper"])


def test_every_point_is_one_element_and_the_group_has_the_colour():
    root = ElementTree.fromstring(drawn())
    (group,) = (g for g in root.iter("{http://www.w3.org/2000/svg}g") if "points" in (g.get("class") or ""))
    (holder,) = group.findall("{*}g")
    assert len(holder.findall("{*}use")) == 3
    assert (holder.get("class") or "").split() == ["fill-cross"]


def test_text_stays_text_and_is_escaped():
    picture = drawn("<script>&$x_1$")
    assert "&lt;script&gt;&amp;$x_1$" in picture and "<script>" not in picture
    assert 'aria-label="a &lt;label&gt; &amp; more"' in picture


def test_a_letter_that_the_font_lacks_is_drawn_without_a_warning():
    assert "漢字" in drawn("漢字")


def test_the_only_address_is_the_namespace():
    assert drawn().count("http") == drawn().count(svg.NAMESPACE) == 1
    assert "http" not in svg.inline(drawn(), "a")


def test_ids_of_two_figures_on_one_page_differ_and_references_follow():
    first, second = (ElementTree.fromstring(svg.inline(drawn(), prefix)) for prefix in "ab")
    ids = [{element.get("id") for element in root.iter()} - {None} for root in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    for root, known in zip((first, second), ids, strict=True):
        assert {element.get("href", "")[1:] for element in root.iter("use")} == known


def test_same_figure_same_text():
    assert drawn() == drawn()


def test_png_has_two_pixels_for_each_css_pixel():
    content = svg.png_bytes(Figure(figsize=(2, 1), dpi=72))
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(content[i : i + 4], "big") for i in (16, 20)] == [288, 144]


def contrast_ratio(first: str, second: str) -> float:
    """Contrast of two colours by WCAG 2.1, from 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("paper", [0, 1])
@pytest.mark.parametrize("name", [name for name in PALETTE if name not in ("paper", "line")])
def test_every_colour_can_be_read_on_its_paper(name, paper):
    assert contrast_ratio(PALETTE[name][paper], PALETTE["paper"][paper]) >= 4.5


def test_contrast_of_a_known_pair():
    assert contrast_ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast_ratio("#000000", "#ffffff") == 21
