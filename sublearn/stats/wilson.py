"""The interval of a share of independent trials."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share (Wilson 1927)."""
    from scipy.stats import binomtest  # late: it takes half a second

    found = binomtest(hits, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
