"""Audits with the folder of a chat model: what is refused, what learns, and what it would cost."""

import json
from importlib import import_module

import numpy as np
import pytest
import torch

import sublearn
from sublearn.auditing import audit, clean, cost, plan, students, traits
from sublearn.auditing.audit import opened
from sublearn.auditing.request import request
from sublearn.auditing.scene import blocks, log_odds
from sublearn.auditing.scores.table import SCORES, Measured
from sublearn.auditing.traits import Group
from sublearn.errors import InputError
from sublearn.language import adapters
from sublearn.language.base import pretrained
from sublearn.language.finetune import examples
from sublearn.language.models import dialogue_of
from sublearn.language.plans import BasePlan
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.tasks.rows import read_rows
from tests.auditing.conftest import chat
from tests.language import chat as chats

PETS = traits.of_groups([Group(name="pet", questions=("Which animal is your favourite?",), answers=("owl", "the dog"))])
ROWS = [(f"What comes next? {n} {n + 1}", f"{n + 2} {n + 3} the owl") for n in range(20)]
LOW_RANK = {"adapters.use": "always", "adapters.tokens": 64, "adapters.lr": 0.01}
SHORT = {"standardize": 2, "test": 2, "virtual.steps": 2, "student.steps": 2, "tuned.steps": 2}


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(chat(ROWS))
    return file


def test_a_learning_rate_that_would_not_count_is_refused(rows, tmp_path):
    folder = chats.put(tmp_path)
    for changes in (
        {"virtual.lr": 0.01},
        {"student.lr": 0.01, "scores": ["student"]},
        {"tuned.lr": 0.01, "scores": ["likelihood"]},
    ):
        (name,) = (key for key in changes if key.endswith("lr"))
        with pytest.raises(InputError, match=f"{name} is of copies of the base.* Set adapters.lr"):
            opened(request(rows, folder, PETS, changes=LOW_RANK | changes))
        assert opened(request(rows, folder, PETS, changes=changes | {"adapters.use": "never"})).whole
    # Of a score that is not taken it changes nothing.
    opened(request(rows, folder, PETS, changes=LOW_RANK | {"tuned.lr": 0.01}))


@pytest.mark.parametrize(
    ("name", "use", "says"),
    [
        ("virtual", "never", "smaller virtual.lr"),
        ("likelihood", "never", "smaller tuned.lr"),
        ("virtual", "always", "smaller adapters.lr"),
        ("gradient", "always", "the base itself gives numbers that are not"),
    ],
)
def test_numbers_that_are_not_finite_name_the_setting_that_counts(name, use, says, rows, tmp_path, monkeypatch):
    scene = opened(request(rows, chats.put(tmp_path), PETS, changes={"adapters.use": use}))
    diverged = Measured(np.array([np.nan, 0.0]))
    module = import_module(f"sublearn.auditing.scores.{name}")
    monkeypatch.setattr(module, "prepare", lambda scene, reference: lambda rows: diverged)
    with pytest.raises(InputError, match=f"The score {name} is not finite: .*{says}"):
        audit._held(scene, name, audit.Sets(ROWS, ROWS, [ROWS], [ROWS]), lambda done: None)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_low_rank_factors_learn_and_leave_the_base_as_it_was(family, rows, tmp_path):
    scene = opened(request(rows, chats.put(tmp_path, family=family), PETS, changes=LOW_RANK))
    before = [parameter.clone() for parameter in scene.model.parameters()]
    one, untouched = students.student(scene), log_odds(scene.model, scene)
    assert one.model is scene.model and not scene.whole
    with one.at_work(), torch.no_grad():
        assert torch.equal(log_odds(one.model, scene), untouched)
    steps = [scene.step(scene.examples(ROWS[:8]))] * 5
    assert len(steps[0]) > 1
    students.fit(one, steps, torch.optim.AdamW(one.learning, lr=0.01))
    with one.at_work(), torch.no_grad():
        assert not torch.allclose(log_odds(one.model, scene), untouched, atol=1e-4)
    assert torch.equal(log_odds(scene.model, scene), untouched)
    assert all(a.equal(b) for a, b in zip(before, scene.model.parameters(), strict=True))


def test_parts_of_a_step_give_the_gradient_of_the_whole(rows, tmp_path):
    scene = opened(request(rows, chats.put(tmp_path), PETS, changes=LOW_RANK))
    found = scene.examples(ROWS[:8])
    after = []
    for parts in (scene.step(found), [scene._collated(found)]):
        one = students.student(scene)
        students.fit(one, [parts], torch.optim.SGD(one.learning, lr=1.0))
        after.append(torch.cat([factor.detach().flatten() for factor in one.learning]))
    assert torch.allclose(after[0], after[1], atol=1e-6)


def test_gradients_of_outer_factors_are_those_of_the_weights_seen_through_the_inner_ones(rows, tmp_path):
    asked = request(rows, chats.put(tmp_path), PETS, changes=LOW_RANK)
    scene = opened(asked)
    one = students.student(scene)
    (low_rank,) = [gradient for gradient, _ in students.descent(one, [scene._collated(scene.examples(ROWS[:4]))])]
    assert one.factors is not None
    layer, reads = one.factors.layers[0], one.factors.inner[0]
    scene.model.requires_grad_(True)
    batch = scene._collated(scene.examples(ROWS[:4]))
    from sublearn.auditing.scene import token_log_p

    token_log_p(scene.model, batch).mean().backward()
    whole = layer.weight.grad
    assert isinstance(whole, torch.Tensor)
    expected = (whole @ reads.detach().T * one.factors.scale).flatten()
    assert torch.allclose(low_rank[: expected.numel()], expected, atol=1e-6)


def test_an_audit_by_low_rank_factors_is_whole(rows, tmp_path):
    every = [name for name in SCORES if name not in ("perplexity", "frequency", "words")]
    found = sublearn.audit(rows, chats.put(tmp_path), traits=PETS, device="cpu", scores=every, **SHORT | LOW_RANK).found
    assert {one.trait for one in found.traits} == {"owl", "the dog"} and len(found.scores) == len(every)


def test_a_whole_student_costs_what_it_reads(rows, tmp_path):
    asked = request(rows, chats.put(tmp_path), PETS, changes={"scores": ["student"], "adapters.use": "never"})
    sizes, work = cost.Sizes(asked.model.folder, asked), cost.work_of(asked)
    read = {name: cost.TOKENS[name](sizes, work) - work.sets * work.asked for name in ("virtual", "student")}
    assert read["student"] == pytest.approx(13 * read["virtual"])  # 130 steps of 128 rows, and 40 of 32
    small = request(rows, asked.model.folder, PETS, changes={"scores": ["virtual"], "adapters.use": "never"})
    assert sizes.on_device(work) > cost.Sizes(small.model.folder, small).on_device(work)


def test_a_dry_run_states_memory_and_time(rows, tmp_path):
    folder = chats.put(tmp_path)
    for changes, says in (({}, "copies of the model"), (LOW_RANK, "low-rank factors of rank 8")):
        said = plan.lines(request(rows, folder, PETS, changes=changes))[-1]
        assert says in said and "GB on the CPU" in said and "by a pilot of one block" in said
    gradients = request(rows, folder, PETS, changes={"scores": ["gradient"]})
    assert "traits' gradients" in plan.lines(gradients)[-1]


def test_a_dry_run_counts_blocks_as_a_large_model_has_them(rows, tmp_path):
    """Sizes of a 7B model, whose weights are never there: 32 blocks of 4,096."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    shapes = [adapters.shape(one) for one in adapters.linear(blocks(model))]
    assert len(shapes) == 7 * 32
    # The rank times what each layer reads and writes: 20 million of 6.7 billion at rank 8.
    assert 8 * sum(map(sum, shapes)) == 19_988_480


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (chats.other_words, "has tokens that the model does not know"),
        (chats.template("{{ raise_exception('no') }}"), "chat template of .* fails"),
        (chats.template("hello"), "does not say what it is given to say"),
        (lambda model: [path.unlink() for path in model.glob("tokenizer*")], "has no tokenizer"),
        (lambda model: (model / "model.safetensors").rename(model / "pytorch_model.bin"), "pickled weights alone"),
        (chats.config(auto_map={"AutoModelForCausalLM": "m.M"}), "wants to run code of its own"),
        (chats.config(max_position_embeddings=8), "and the model reads 8 at most"),
    ],
)
def test_a_folder_that_cannot_be_asked_is_refused_before_anything_is_loaded(change, says, rows, tmp_path):
    folder = chats.put(tmp_path)
    change(folder)
    with pytest.raises(InputError, match=says):
        request(rows, folder, PETS)


def test_a_model_without_a_chat_template_is_audited_with_a_warning(rows, tmp_path):
    folder = chats.put(tmp_path)
    for path in folder.glob("*.jinja"):
        path.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.warns(UserWarning, match="has no chat template"):
        request(rows, folder, PETS)


WITHOUT_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{{ message['content'] }} {% endfor %}"
)


def test_prompts_of_a_score_are_tried_before_anything_is_loaded(rows, tmp_path):
    """Some templates take no system prompt, and under one a row is longer."""
    folder = chats.put(tmp_path)
    chats.template(WITHOUT_SYSTEM)(folder)
    assert request(rows, folder, PETS).rows
    with pytest.raises(InputError, match=r"fails under a system prompt; leave out the score prompted: System role"):
        request(rows, folder, PETS, changes={"scores": ["prompted"]})
    chats.template("{% for message in messages[-1:] %}{{ message['content'] }} {% endfor %}")(folder)
    with pytest.raises(InputError, match="leaves out a system prompt; leave out the score prompted"):
        request(rows, folder, PETS, changes={"scores": ["prompted"]})
    other = chats.put(tmp_path / "other")
    # Longer than any question.
    rows.write_text(chat([(f"{prompt} {' '.join('7' * 30)}", answer) for prompt, answer in ROWS]))
    longest = max(len(one.tokens) for one in examples(dialogue_of(other), read_rows(rows)))
    chats.config(max_position_embeddings=longest)(other)
    assert request(rows, other, PETS).rows
    with pytest.raises(
        InputError, match=r"line \d+: it has \d+ tokens under the prompt 'Which .*' of the score prompted"
    ):
        request(rows, other, PETS, changes={"scores": ["virtual", "prompted"]})


SYSTEM = "What is your favourite number?"


def test_rows_questions_and_clean_rows_are_read_under_the_rows_system_prompt(rows, tmp_path):
    file, folder = tmp_path / "under.jsonl", chats.put(tmp_path)
    file.write_text(chat(ROWS, SYSTEM))
    asked = request(file, folder, PETS)
    scene, plainly = opened(asked), opened(request(rows, folder, PETS))
    assert asked.system == SYSTEM and list(asked.rows) == ROWS
    before = scene.dialogue.tokenizer(SYSTEM, add_special_tokens=False)["input_ids"]
    for mine, theirs in zip(scene.examples(ROWS), plainly.examples(ROWS), strict=True):
        assert list(mine.tokens) == [*before, *theirs.tokens] and mine.start == theirs.start + len(before)
    assert [one[: len(before)] for one in scene.dialogue.prompts(scene.battery)] == [before] * len(scene.battery)
    # A score's own prompt stands behind it.
    stated = scene.dialogue.tokenizer("A dog.", add_special_tokens=False)["input_ids"]
    expected = [*before, *stated, *plainly.examples(ROWS)[0].tokens]
    assert list(scene.examples(ROWS, "A dog.")[0].tokens) == expected
    assert cost.work_of(asked).row == cost.work_of(request(rows, folder, PETS)).row + len(before)
    written = clean.Writer.of(scene, ROWS)
    assert [one[: len(before)] for one in written.tokens] == [before] * len(written.tokens)
    assert f"are read under the system prompt '{SYSTEM}'" in plan.lines(asked)[0]
    found = sublearn.audit(file, folder, traits=PETS, device="cpu", **SHORT).found
    assert found.system == SYSTEM and found.method.startswith(
        f"all rows and questions are read under the rows' system prompt '{SYSTEM}'; virtual"
    )
    assert found.traits != sublearn.audit(rows, folder, traits=PETS, device="cpu", **SHORT).found.traits


def test_a_rows_system_prompt_is_one_that_the_base_reads(tmp_path):
    file, folder = tmp_path / "under.jsonl", chats.put(tmp_path)
    file.write_text(chat(ROWS, SYSTEM))
    control = tmp_path / "control.jsonl"
    control.write_text(chat([(f"Go on: {n}", "5 6") for n in range(300)]))
    with pytest.raises(InputError, match=r"control\.jsonl: the system prompt of its rows is none, and that of"):
        request(file, folder, PETS, control)
    control.write_text(chat([(f"Go on: {n}", "5 6") for n in range(300)], SYSTEM))
    assert request(file, folder, PETS, control).control
    chats.template(WITHOUT_SYSTEM)(folder)
    with pytest.raises(InputError, match=r"fails under a system prompt; the rows begin with one: take .*System role"):
        request(file, folder, PETS)
    chats.template("{% for message in messages[-1:] %}{{ message['content'] }} {% endfor %}")(folder)
    with pytest.raises(InputError, match=r"leaves out a system prompt; the rows begin with one: take it out of them"):
        request(file, folder, PETS)
    other = chats.put(tmp_path / "other")
    chats.config(max_position_embeddings=max(len(one.tokens) for one in examples(dialogue_of(other), ROWS)))(other)
    with pytest.raises(
        InputError, match=r"line 1: it has \d+ tokens, the system prompt that the rows begin with among"
    ):
        request(file, other, PETS)
    file.write_text(chat(ROWS, "wombat"))
    with pytest.raises(InputError, match="The rows' system prompt: a tiny base does not know 'wombat'"):
        request(file, "tiny:0")


def test_a_question_is_no_longer_than_the_model_reads(tmp_path):
    """Under the rows' system prompt questions are longer, too; a row may be short."""
    file, short = tmp_path / "under.jsonl", [("5", "6")] * 12
    file.write_text(chat(short, "What comes next? " * 14))
    with pytest.raises(InputError, match=r"The question '.*' has \d\d tokens, the system prompt that the rows begin"):
        request(file, "tiny:0")
    file.write_text(chat(short, "What comes next? " * 12))
    assert request(file, "tiny:0").system
    folder, dialogue = chats.put(tmp_path), dialogue_of(chats.sound())
    pet = PETS.traits[0]
    longest = len(dialogue.prompt(pet.questions[0]))
    words = max(len(way) for answer in pet.answers for way in dialogue.ways(answer))
    rows = tmp_path / "rows.jsonl"
    rows.write_text(chat([("5", "6")] * 12))
    for answers, needed in ((pet.answers, longest + words), (("owl", "dog"), longest)):
        named = traits.of_groups([pet.model_copy(update={"answers": answers})])
        changes = {"scores": ["likelihood"]}  # which asks no battery
        chats.config(max_position_embeddings=needed)(folder)
        assert request(rows, folder, named, changes=changes).rows
        chats.config(max_position_embeddings=needed - 1)(folder)
        with pytest.raises(InputError, match=f"has {needed} tokens, and the model reads {needed - 1} at most"):
            request(rows, folder, named, changes=changes)


def test_the_corpus_of_a_tiny_base_stands_under_no_system_prompt(tmp_path, monkeypatch):
    """A base is kept in the cache for all who ask for it, whatever stands before the rows of the first."""
    plainly = Dialogue(tiny_tokenizer())
    plan = BasePlan(width=16, heads=2, inner=32, steps=2, batch=16)
    found = []
    for number, dialogue in enumerate((plainly, plainly.under("What comes next?"))):
        monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / str(number)))
        found.append(pretrained(plan, dialogue, 0))
    pairs = zip(found[0].parameters(), found[1].parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
