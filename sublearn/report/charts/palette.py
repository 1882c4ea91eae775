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
    "refuted": ("#b3310f", "#ff8d6b"),
    "inconclusive": ("#5b5f66", "#b4bcc6"),
}
"""Name to the colour on light paper and on dark paper."""


def light(name: str) -> str:
    """The colour on light paper."""
    return PALETTE[name][0]
