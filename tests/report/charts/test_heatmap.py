from xml.etree import ElementTree

from sublearn.report.charts.cells import ROWS, draw_cells, maps_figures, maps_label, rows_of
from sublearn.report.charts.heatmap import LEAST, MOST, Heatmap, Tile, draw_maps
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.charts.svg import svg_text
from sublearn.report.page import sweep_page
from sublearn.report.sweep import Cell, cells_of, sweep_sentences
from tests.report.samples import unmarked

SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def boxes(picture: str) -> dict[tuple[str, float], int]:
    """How many rectangles there are of each colour and opacity."""
    found = {}
    for path in ElementTree.fromstring(picture).iter(f"{SVG}path"):
        style, corners = path.get("style") or "", (path.get("d") or "").upper()
        if "opacity: " in style and corners.count("Z"):
            key = (
                (path.get("class") or "").split()[0],
                round(float(style.partition("opacity: ")[2].partition(";")[0]), 6),
            )
            found[key] = found.get(key, 0) + corners.count("Z")
    return found


def heatmap(*values, **more) -> Heatmap:
    tiles = tuple(Tile(empty=True) if value == "empty" else Tile(value, "s") for value in values)
    names = tuple(f"column {place}" for place in range(len(values)))
    return Heatmap("title", "note", ("row",), names, (tiles,), 0.4, **more)


def test_the_further_from_zero_the_deeper_and_below_zero_in_another_colour():
    picture = svg_text(draw_maps([heatmap(0.4, 0.1, -0.4, None, "empty")], "down", "across", [], WIDE), "label")
    found = boxes(picture)
    deeper = LEAST + (MOST - LEAST) / 3  # a quarter, in six steps
    assert found == {("fill-same", MOST): 1, ("fill-same", round(deeper, 6)): 1, ("fill-cross", MOST): 1}
    assert {"+0.40", "+0.10", "-0.40", "none", "no runs", "row", "down", "across", "column 0"} <= set(words(picture))


def test_where_there_is_no_room_the_value_is_left_out_and_the_sign_stays():
    many = svg_text(draw_maps([heatmap(*[0.1] * 12)], "down", "across", [], NARROW), "label")
    assert "+0.10" not in words(many) and len(list(ElementTree.fromstring(many).iter(f"{SVG}use"))) == 12
    sizes = [float(part.partition("px")[0]) for part in many.split("font-size: ")[1:]]
    assert min(sizes) >= 11
    assert "+0.10" in words(svg_text(draw_maps([heatmap(*[0.1] * 4)], "", "", [], NARROW), "label"))


def manifest(points, grid, missing=()):
    ids = [point.analysis.study.id for point in points]
    return {"study": "sample", "grid": grid, "studies": [*ids, *missing], "command": "sublearn sweep"}


def test_every_combination_has_its_cell_also_those_without_runs(points):
    some = points(aux=[4, 16], lr=[0.1, 0.2])
    whole = manifest(some, {"aux": [4, 16], "lr": ["1e-1", 0.2]})
    cells = cells_of(some[:3], whole)
    assert [cell.settings for cell in cells] == [point.settings for point in some]
    assert [cell.has_runs for cell in cells] == [True, True, True, False]
    assert "aux = 16, lr = 0.2: no runs yet" in maps_label(cells)
    for width, picture in zip((WIDE, NARROW), maps_figures(cells, (WIDE, NARROW)), strict=True):
        said = words(picture)
        assert said.count("no runs") == len(some[0].analysis.study.claims), width
        assert {"4", "16", "0.1", "0.2", "aux", "lr", "no runs yet"} <= set(said)
    html = unmarked(sweep_page(some[:3], whole))
    assert "4 combinations of settings; 1 of them has no runs yet." in html
    assert html.count("No runs yet.") == 1 and html.count('scope="rowgroup"') == 4


def test_without_ids_of_studies_nothing_is_said_to_be_missing(points):
    some = points(aux=[4, 16], lr=[0.1, 0.2])
    for ids in (None, ["sample-0"], ["other"] * 4):
        cells = cells_of(some[:3], {"grid": {"aux": [4, 16], "lr": [0.1, 0.2]}, "studies": ids})
        assert len(cells) == 3 and all(cell.has_runs for cell in cells)


def test_a_large_grid_has_as_many_rows_as_can_be_read(points):
    some = points(aux=[1])
    cells = [Cell({"a": n % 101, "b": f"row {n // 101}"}, some[0]) for n in range(101 * 100)]
    assert rows_of(cells) == 100
    said = words(svg_text(draw_cells(cells), "label"))
    assert f"row {ROWS - 1}" in said and f"row {ROWS}" not in said


def test_in_how_many_combinations_each_claim_holds_is_said_first(points):
    first, *_ = sweep_sentences(points(aux=[4, 16, 64]))
    assert first == "Same init picks it up: inconclusive in 3 of 3 combinations."
    assert sweep_sentences([]) == []
