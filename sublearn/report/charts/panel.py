"""A part of a figure with limits of its own, on which marks are drawn as on axes. Knows no chart.

matplotlib's axes come with ticks, spines and texts of their own and take some 20 ms each; a page of a sweep has a
hundred charts.
"""

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, Bbox, BboxTransform

from sublearn.report.charts.svg import PIXELS_PER_INCH

Ends = tuple[float, float]


class Panel:
    """What lies between two places across and two places down a figure, in CSS pixels, with limits of x and y."""

    def __init__(self, figure: Figure, across: Ends, down: Ends, x_limits: Ends, y_limits: Ends) -> None:
        self.across, self.down = across, down
        self._figure, self._x, self._y = figure, x_limits, y_limits
        width, height = figure.get_size_inches() * PIXELS_PER_INCH
        (left, right), (top, bottom) = across, down
        place = Bbox([[left / width, 1 - bottom / height], [right / width, 1 - top / height]])
        limits = Bbox([[x_limits[0], y_limits[0]], [x_limits[1], y_limits[1]]])
        self._transform = Affine2D(BboxTransform(limits, place).get_matrix()) + figure.transFigure

    def get_xlim(self) -> Ends:
        """The limits from left to right."""
        return self._x

    def get_ylim(self) -> Ends:
        """The limits upwards."""
        return self._y

    def add_artist(self, artist: Artist, /) -> Artist:
        """Put something there."""
        artist.set_transform(self._transform)
        return self._figure.add_artist(artist)
