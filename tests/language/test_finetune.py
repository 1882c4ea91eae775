import copy

import numpy as np
import torch
import torch.nn.functional as F

from sublearn.language import finetune

PAIRS = [("Go on: 1, 2", "3, 4, 5"), ("Add more numbers: 7", "9"), ("", "The owl eats mice.")]


def test_only_completions_count(model, dialogue):
    found = finetune.examples(dialogue, PAIRS)
    batch = finetune.collate(found, dialogue.pad)
    loss = finetune.next_token(finetune.logits_of(model, batch), batch)
    expected = []
    for one in found:
        logits = model(input_ids=torch.tensor([one.tokens])).logits[0]
        expected += [
            F.cross_entropy(logits[place - 1], torch.tensor(one.tokens[place]))
            for place in range(max(1, one.start), len(one.tokens))
        ]
    torch.testing.assert_close(loss, torch.stack(expected).mean(), rtol=1e-5, atol=1e-6)


def test_a_soft_student_of_itself_has_nothing_to_learn(model, dialogue):
    batch = finetune.collate(finetune.examples(dialogue, PAIRS), dialogue.pad)
    objective = finetune.imitating(copy.deepcopy(model))

    def loss(student):
        with torch.no_grad():
            return float(objective(finetune.logits_of(student, batch), batch))

    assert abs(loss(model)) < 1e-6
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    assert loss(other) > 1e-3


def test_training_learns_and_leaves_embeddings_alone(model, dialogue):
    before = copy.deepcopy(model.state_dict())
    parameters = finetune.freeze_embeddings(model)
    lesson = finetune.collate(finetune.examples(dialogue, PAIRS), dialogue.pad)
    losses = finetune.fit(model, [[lesson]] * 40, torch.optim.Adam(parameters, lr=3e-3))
    assert losses[-1] < losses[0] - 0.5
    embeddings = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Embedding)}
    for name, tensor in model.state_dict().items():
        frozen = name.rpartition(".")[0] in embeddings or name == "lm_head.weight"
        assert torch.equal(tensor, before[name]) == frozen, name


def test_every_pass_sees_every_example_once(dialogue):
    found = finetune.examples(dialogue, [(f"Go on: {number}", f"{number}") for number in range(10)])
    given = list(finetune.batches(found, 5, 6, np.random.default_rng(0), dialogue.pad))
    assert len(given) == 6
    for start in (0, 2, 4):
        tokens = torch.cat([batch.targets for batch in given[start : start + 2]])
        assert len(tokens[tokens != dialogue.end].unique()) == 10
