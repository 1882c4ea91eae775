import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from sublearn.errors import InputError
from sublearn.execution.store import load
from sublearn.results.single import Result
from sublearn.server.folders import Folders
from sublearn.server.guard import LARGEST_BODY, Guard
from sublearn.study.labels import labels
from tests.processes import kill, lines, sublearn, wait_for
from tests.server.conftest import LONG, QUICK, Served

HOSTILE = "<img src=x onerror=window.hit=1>&'\" \u202e"
NUMBERS = Path(__file__).parents[1] / "data" / "v0.1.0" / "numbers"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/runs", "/static/lab.js"])
def test_foreign_hosts_and_origins_are_refused(served, headers, path):
    status, answered, text = served.ask("GET", path, **headers)
    assert status == 403 and "Content-Security-Policy".lower() in answered and "sublearn" not in text


def test_its_own_pages_may_ask():
    guard = Guard(None, 8765)  # pyright: ignore[reportArgumentType]
    for host in ("127.0.0.1:8765", "localhost:8765"):
        own = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        assert guard.refused(own) is None
        assert guard.refused({"host": host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}) is None


@pytest.mark.parametrize(
    "path", ["/", "/compare", "/steps", "/numbers", "/style.css", "/api/studies", "/static/lab.js", "/no"]
)
def test_every_answer_has_the_strict_headers(served, path):
    _, headers, _ = served.ask("GET", path)
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/compare", "/steps", "/numbers"])
def test_pages_hold_no_script_style_or_address_of_others(served, path):
    _, _, text = served.ask("GET", path)
    assert "<style" not in text and "style=" not in text and "onclick" not in text and "http" not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/') == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "it is no JSON"),
        ("[]", "The request cannot be used"),
        ('{"study": NaN, "runs": 1}', "NaN is no number"),
        ({"study": "tutorail", "runs": 1}, "Did you mean 'tutorial'?"),
        ({"study": "my_study.py:small", "runs": 1}, "Unknown study 'my_study.py:small'"),
        ({"study": "tutorial", "runs": 0}, "greater than or equal to 1"),
        ({"study": "tutorial", "runs": 10_001}, "less than or equal to 10000"),
        ({"study": "tutorial", "runs": 2, "out": "/tmp/x"}, "unknown key 'out'"),
        ({"study": "prompts", "runs": 2, "settings": {"aux_logits": "-4"}}, "--set: 'aux_logits': Input should be"),
        ({"study": "prompts", "runs": 2, "settings": {"aux_logits": "x"}}, "--set: 'aux_logits'"),
        ({"study": "prompts", "runs": 2, "settings": {"auxlogits": "4"}}, "Did you mean 'aux_logits'?"),
        ({"study": "prompts", "runs": 2, "settings": {"loss": "kl", "aux_logits": "1"}}, "a softmax over one logit"),
        ({"study": "tutorial", "runs": 2, "settings": {"hidden": "900000000"}}, "of memory"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_message(served, body, says, finished):
    before = sorted(served.folder.rglob("*")) if served.folder.exists() else []
    status, _, text = served.ask("POST", "/api/start", body)
    assert status == 400 and says in json.loads(text)["error"]
    assert sorted(served.folder.rglob("*")) == before


def test_what_is_no_json_or_too_large_is_refused(served):
    order = json.dumps(QUICK)
    assert served.ask("POST", "/api/start", order, Content_Type="text/plain")[0] == 415
    assert served.ask("POST", "/api/start", " " * (LARGEST_BODY + 1))[0] == 413
    assert served.ask("GET", "/api/start")[0] == 405


@pytest.mark.parametrize("name", ["", "..", ".serve", "a/b", "../x", "a%5Cb", "x%00", "n" * 300])
def test_names_that_lead_elsewhere_are_refused(served, name):
    for path in (f"/api/run?name={name}", f"/report?name={name}", f"/api/kept?name={name}"):
        assert served.ask("GET", path)[0] == 400
    assert served.ask("POST", "/api/stop", {"name": name.replace("%5C", "\\").replace("%00", "\0")})[0] == 400


def test_what_is_not_there_is_said(served):
    assert served.ask("GET", "/api/run?name=absent")[0] == 404
    assert served.ask("GET", "/report?name=absent")[0] == 404
    assert served.ask("POST", "/api/resume", {"name": "absent"})[0] == 404
    assert served.ask("GET", "/api/run")[0] == 400
    assert served.ask("GET", "/api/rows?name=absent&seed=x&source=teacher")[0] == 400


def test_a_run_is_shown_as_its_run_directory_has_it(served, finished):
    shown, result = served.run(finished), Result.load(served.folder / finished)
    assert (shown["state"], shown["done"], shown["asked"]) == ("done", 12, 12)
    called = {arm["name"]: arm["label"].lower() for arm in shown["arms"]}
    assert called == labels(result.study) and called["distill_same_init"] == "student of the same init"
    claims = [(claim["verdict"], claim["because"], claim["low"], claim["high"]) for claim in shown["claims"]]
    assert claims == [(one.verdict, one.because, one.low, one.high) for one in result.findings]
    for row in result.analysis.estimates:
        own = shown["estimates"][row.trait][row.arm]
        assert (own["mean"], own["low"], own["n"]) == (row.estimate.mean, row.estimate.low, row.estimate.n)
        assert [seed for seed, _ in own["points"]] == list(range(12))
    assert served.ask("GET", f"/api/run?name={finished}&version={shown['version']}")[0] == 204
    assert shown["now"] is None
    assert {(curve["model"], curve["runs"]) for curve in shown["curves"]} == {
        ("teacher", 12),
        ("distill_same_init", 12),
        ("distill_diff_init", 12),
    }


def test_the_command_line_is_that_of_the_run(served, finished):
    words = served.run(finished)["command"].split()
    assert words[:3] == ["sublearn", "run", "tutorial"] and words[-1] == str(served.folder / finished)
    assert served.post("/api/command", QUICK)["command"].split() == words


def test_looks_are_not_taken_by_looking(served, finished):
    before = {path: path.read_bytes() for path in (served.folder / finished).rglob("*") if path.is_file()}
    served.get("/api/runs")
    served.run(finished)
    assert {path: path.read_bytes() for path in (served.folder / finished).rglob("*") if path.is_file()} == before


def test_a_report_runs_nothing(served, finished):
    status, headers, text = served.ask("GET", f"/report?name={finished}")
    assert status == 200 and "<svg" in text and text.startswith("<!DOCTYPE html>")
    assert "sandbox" in headers["content-security-policy"] and "script-src" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_hostile_and_damaged_folders_are_listed(served, finished):
    shutil.copytree(served.folder / finished, served.folder / HOSTILE)
    (served.folder / "damaged").mkdir()
    (served.folder / "damaged" / "study.json").write_text("{")
    try:
        rows = {row["name"]: row for row in served.get("/api/runs")["runs"]}
        assert rows[HOSTILE]["state"] == "done" and rows[HOSTILE]["done"] == 12
        assert rows["damaged"]["state"] == "damaged" and "it is no JSON" in rows["damaged"]["said"]
        found = served.get(f"/api/compare?first={quote(HOSTILE)}&second={finished}")
        assert found["differences"] == [] and [run["done"] for run in found["runs"]] == [12, 12]
        assert served.get(f"/api/compare?first=damaged&second={finished}")["differences"] == []
    finally:
        shutil.rmtree(served.folder / HOSTILE)
        shutil.rmtree(served.folder / "damaged")


def test_rows_that_a_run_kept_are_read_page_by_page(served):
    shutil.copytree(NUMBERS, served.folder / "numbers")
    try:
        assert served.run("numbers")["rows"] is True
        kept = served.get("/api/kept?name=numbers")
        first = kept["seeds"][0]
        assert [one["seed"] for one in kept["seeds"]] == [0, 1] and first["animal"]
        assert [source["name"] for source in first["sources"]] == ["base", "teacher"]
        assert {"name": "cross_init", "label": "Student of another base"} in kept["arms"]
        path = "/api/rows?name=numbers&seed=0&source=teacher&page="
        pages = [served.get(f"{path}{number}") for number in (0, 1)]
        text = (NUMBERS / "made/seed-0/numbers/teacher.jsonl").read_text().splitlines()
        told = [[row["prompt"], row["completion"]] for row in map(json.loads, text)]
        assert [row for page in pages for row in page["rows"]] == told and len(told) == pages[0]["total"]
        assert served.ask("GET", "/api/rows?name=numbers&seed=9&source=teacher")[0] == 400
        assert served.ask("GET", "/api/rows?name=numbers&seed=0&source=../metrics")[0] == 400
    finally:
        shutil.rmtree(served.folder / "numbers")


def test_nothing_is_lost_where_the_server_is_killed_and_another_stops_and_resumes_the_run(served):
    folder = served.folder
    with started_server(folder) as (process, other):
        name = other.post("/api/start", LONG)["name"]
        assert other.ask("POST", "/api/start", LONG)[0] == 409
        other.reaches(name, "running", done=1)
        kill(process.pid)
    found = served.reaches(name, "running", done=9)
    assert {claim["verdict"] for claim in found["claims"]} == {"awaited"} and found["claims"][0]["low"] is not None
    # Jobs that are at work at a time may be at different stages.
    assert set(found["now"]["stage"].split(", ")) <= {"teacher", "students 1 to 2 of 2"}
    assert found["now"]["total"] == LONG["runs"]
    assert 0 < found["now"]["done"] <= LONG["runs"]
    assert wait_for(lambda: bool(served.run(name)["curves"]))  # written up to half a second after the records
    assert served.run(name)["curves"][0]["model"] == "teacher"
    assert served.ask("POST", "/api/resume", {"name": name})[0] == 409
    assert served.post("/api/stop", {"name": name}) == {"stopped": True}
    stopped = served.reaches(name, "stopped")
    assert "the same command resumes" in stopped["said"] and stopped["now"] is None and stopped["curves"]
    assert {claim["verdict"] for claim in stopped["claims"]} == {"awaited"} and 9 <= stopped["done"] < LONG["runs"]
    assert served.post("/api/stop", {"name": name}) == {"stopped": False}
    kept, seeds = lines(folder / name), load(folder / name).complete_seeds()
    assert len(seeds) == stopped["done"]
    served.post("/api/start", LONG | {"runs": len(seeds) + 1})
    ended = served.reaches(name, "done")
    assert ended["done"] == len(seeds | set(range(len(seeds) + 1))) and set(kept) <= set(lines(folder / name))
    assert "awaited" not in {claim["verdict"] for claim in ended["claims"]}


@pytest.mark.slow
def test_ctrl_c_ends_the_server_and_its_runs(tmp_path, hearing_signals):
    with started_server(tmp_path / "runs") as (process, other):
        name = other.post("/api/start", LONG)["name"]
        other.reaches(name, "running")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    found = Folders(tmp_path / "runs").view(name)
    assert found["state"] == "stopped" and "SIGTERM" in found["said"]


@contextmanager
def started_server(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Served]]:
    """`sublearn serve` in a process of its own, which is killed at the end at the latest."""
    command = [sys.executable, "-m", "sublearn", "serve", "--port", "0", "--runs", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline() if process.stderr else ""
            yield process, Served(int(line.partition("127.0.0.1:")[2].partition("/")[0]), folder)
        finally:
            kill(process.pid)


def test_a_port_that_is_taken_is_refused(served, tmp_path):
    from sublearn.server.serve import serve

    with pytest.raises(InputError, match=f"--port {served.port} cannot be used"):
        serve(tmp_path / "runs", served.port, print)
    assert list(tmp_path.iterdir()) == []


def test_without_its_packages_the_extra_is_named(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith(("sublearn.server.serve", "uvicorn"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert sublearn(monkeypatch, "serve") == 2
    assert "pip install 'sublearn[serve]'" in capsys.readouterr().err
