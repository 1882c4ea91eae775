"""`python -m benchmarks audit`: the table of the folder that the command measured into."""

import pytest

from benchmarks import __main__, audit
from sublearn.auditing.benchmark import found, metrics
from sublearn.auditing.benchmark.settings import Settings
from sublearn.results.benchmark import Benchmark
from tests.report.samples import of_a_set


def test_the_folders_table_is_saved_with_its_own_settings(tmp_path, monkeypatch):
    settings, sets = Settings(test=9), tuple(of_a_set("clean", n, kind="clean", ranks=(), p=n / 10) for n in (1, 7, 8))
    told = found.summed(settings, sets, metrics.figures(sets, settings), found.Provenance("x"))
    folder = Benchmark(told, sets).save(tmp_path / "o").folder
    saved = []
    monkeypatch.setattr(audit, "publish", lambda name, lines, **about: saved.append((name, lines, about)))
    __main__.main(["audit", str(folder)])
    about = {"command": "x", "seeds": (1, 7, 8), "recipes": [sets[0].recipe], "measured_by": {}}
    assert saved == [("audit", [audit.line(one) for one in told.figures], about)] and len(told.figures) == 3
    assert "clean sets: false alarms at .05 (3 bases, 0.00 to 0.56; goal open by the interval)" in [
        one.what for one in saved[0][1]
    ]
    # By default it is the folder that the command writes into by default.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"runs/audit-benchmark.*sublearn audit --benchmark --out"):
        __main__.main(["audit"])
    assert len(saved) == 1
