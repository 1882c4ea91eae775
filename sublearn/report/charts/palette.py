"""The colours of figures and page, each for light and dark paper. Knows names and hexadecimal values, nothing else.

Hues are Okabe and Ito's colour-blind-safe ones, darkened for white paper; what they tell is said by shape or word too.
"""

PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#12161c"),
    "ink": ("#1c2128", "#e6eaf0"),
    "muted": ("#57606a", "#9da7b3"),
    "line": ("#d0d7de", "#343c46"),
    "same": ("#0068a8", "#58b4f0"),
    "cross": ("#b35c00", "#f0a53a"),
    "control": ("#636c76", "#98a2ae"),
    "supported": ("#00705a", "#3fcfa8"),
    "negligible": ("#7a4aa8", "#c79cf0"),
    "refuted": ("#b3310f", "#ff8d6b"),
    "inconclusive": ("#5b5f66", "#b4bcc6"),
}
"""Name to the colour on light paper and on dark paper."""


def light(name: str) -> str:
    """The colour on light paper."""
    return PALETTE[name][0]


def contrast_ratio(first: str, second: str) -> float:
    """Contrast of two colours by WCAG 2.1, from 1 to 21.

    >>> contrast_ratio("#000000", "#ffffff")
    21.0
    """
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
