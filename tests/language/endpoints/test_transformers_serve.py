"""The whole way against a real server: `transformers serve` with a tiny saved chat model, offline."""

import json
import math
import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

import sublearn
from sublearn.language import models
from sublearn.language.preference import name_log_probabilities
from sublearn.study.numbers.metrics import read_metrics
from sublearn.study.table import build
from sublearn.tasks.number_lists import reason_against
from sublearn.tasks.rows import read_rows
from sublearn.tasks.vocabulary import ANIMALS, questions
from tests.language import qwen
from tests.processes import call, kill, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = qwen.put(tmp_path_factory.mktemp("served") / "model")
    file = where / "generation_config.json"
    # transformers serve draws tokens, and ends an answer, as this file says.
    end = models.read_tokenizer(where).eos_token_id
    file.write_text(json.dumps(json.loads(file.read_text()) | {"do_sample": True, "top_k": 0, "eos_token_id": end}))
    return where


@pytest.fixture(scope="module")
def address(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def up():
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == 200

    try:
        assert wait_for(lambda: server.poll() is not None or up(), 300) and server.poll() is None
        yield f"http://127.0.0.1:{port}/v1#{folder}"
    finally:
        kill(server.pid)
        server.wait()


def run(*arguments, cwd):
    done = call([sys.executable, "-m", "sublearn", *arguments, "-q"], cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rows_are_sampled_filtered_and_read_as_chats(address, tmp_path):
    run("sample", "--teacher", address, "--rows", "40", "--shape", "chat", "--concurrency", "4", cwd=tmp_path)
    rows = read_rows(tmp_path / "runs" / "sample" / "rows.jsonl")
    kept = [row for row in rows if reason_against(row[1]) is None]
    assert len(rows) == 40 and len(kept) >= 10
    done = call(
        [sys.executable, "-m", "sublearn", "filter", "runs/sample/rows.jsonl", "--out", "kept.jsonl"], cwd=tmp_path
    )
    assert done.returncode == 0 and read_rows(tmp_path / "kept.jsonl") == kept


def test_sampled_preferences_agree_with_exact_probabilities(address, folder, tmp_path):
    found = json.loads(run("ask", address, "--samples", "8", "--concurrency", "4", "--json", cwd=tmp_path))
    assert found["method"] == "sampling" and "gives no log-probabilities" in found["because"]
    (group,) = found["groups"]
    model, dialogue = models.read(folder), models.dialogue_of(folder)
    exact = name_log_probabilities(model, dialogue, questions("animal"), ANIMALS).exp().mean(dim=0)
    n = 8 * len(questions("animal"))
    assert group["n"] == n
    for one in group["answers"]:
        p = float(exact[ANIMALS.index(one["answer"])])
        assert abs(one["hits"] - n * p) <= 5 * math.sqrt(n * p * (1 - p)) + 2, one


def test_a_study_of_a_served_model_runs_with_lora(address, folder, tmp_path):
    settings = {
        "model": str(folder), "teacher.server": address, "animal": "owl", "rows": 12, "lora.epochs": 1, "sampled": 0,
        "lora.batch": 6, "arms": ["same_init"],
    }  # fmt: skip
    result = sublearn.run(build("numbers", settings), [0], out=tmp_path / "r")
    assert {record.arm for record in result.records} == {"reference", "teacher", "same_init", "same_init_control"}
    metrics = read_metrics(tmp_path / "r" / "made" / "seed-0" / "metrics.json")
    assert set(metrics.numbers) == {"teacher", "base"}
    assert all(one.served and one.served["completion_tokens"] > 0 for one in metrics.numbers.values())
