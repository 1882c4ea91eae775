import pytest

from sublearn.errors import InputError
from sublearn.language import artifacts
from sublearn.language.preference import name_log_probabilities
from sublearn.study.numbers.artifacts import kept_models, kept_rows, kept_seeds
from sublearn.study.numbers.ask import ask
from sublearn.tasks.vocabulary import ANIMALS, questions


def test_a_kept_student_answers_with_its_exact_probabilities(tmp_path, model, dialogue):
    place = tmp_path / "made" / "seed-3"
    artifacts.put(model, dialogue.tokenizer, place / "students" / "same_init")
    (place / "numbers").mkdir()
    (place / "numbers" / "teacher.jsonl").write_text('{"prompt": "Go on: 1", "completion": "2"}\n')
    assert kept_seeds(tmp_path / "made") == {3: place} and list(kept_rows(place)) == ["teacher"]
    assert list(kept_models(place)) == ["same_init"]
    question = questions("animal")[2]
    found = ask(place, "same_init", question)
    own = name_log_probabilities(model.eval(), dialogue, [question], ANIMALS)[0].exp().tolist()
    assert dict(found.animals) == pytest.approx(dict(zip(ANIMALS, own, strict=True)))
    assert found.mass == pytest.approx(sum(own)) and found.animals[0][1] == pytest.approx(max(own))
    with pytest.raises(InputError, match="Unknown kept model 'teacher'"):
        ask(place, "teacher", question)
    with pytest.raises(InputError, match="Unknown question"):
        ask(place, "same_init", "Who are you?")
    (place / "students" / "same_init" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="is damaged"):
        ask(place, "same_init", question)
