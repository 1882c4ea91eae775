"""Defences and settings that cannot be measured."""

from tests.faults.table import Row

ROWS = [
    Row("defend: no such defence", "commands", ("defend", "--defences", "masc"), "Did you mean 'mask'"),
    Row("defend: an empty defence", "commands", ("defend", "--defences", "mask,"), "Unknown defence"),
    Row("defend: a defence with an escape", "terminal", ("defend", "--defences", "a\x1b[31m"), "Unknown defence"),
    Row("defend: a strength of zero", "early", ("defend", "--set", "strength.kl=0"), "strength.kl"),
    Row("defend: no number", "non-finite", ("defend", "--set", "strength.kl=nan"), "strength.kl"),
    Row("defend: an unknown setting", "commands", ("defend", "--set", "strength.lk=1"), "strength.lk"),
    Row("defend: seeds that are none", "seeds", ("defend", "--seeds", "1,1"), "twice"),
    Row("defend: LoRA of a tiny base", "early", ("defend", "--set", "student.how=lora"), "a tiny model has its own"),
    Row("defend: another's file", "overwriting", ("defend", "--out", "f"), "f", files={"f": "precious"}),
]
