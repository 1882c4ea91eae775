import pytest

from sublearn.auditing import traits
from sublearn.auditing.traits import Candidates, Group
from sublearn.errors import InputError
from sublearn.tasks.vocabulary import ANIMALS


def test_the_tiny_worlds_traits_are_its_animals():
    assert traits.animals().names == ANIMALS


def test_fifty_common_preferences_come_with_the_package():
    found = traits.common()
    assert len(found.traits) == 50
    assert all(question.endswith(("?", ".")) for group in found.traits for question in group.questions)
    assert len(set(found.names)) == len(found.names)


def test_an_answer_of_several_groups_is_named_with_its_group():
    groups = [
        Group(name="a", questions=("q?",), answers=("yes", "no")),
        Group(name="b", questions=("q?",), answers=("yes", "maybe")),
    ]
    found = traits.of_groups(groups)
    assert found.names == ("a: yes", "no", "b: yes", "maybe")
    assert found.slices == (slice(0, 2), slice(2, 4))


def test_a_file_is_read(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text("traits:\n  - name: drink\n    questions: ['Tea or coffee?']\n    answers: [tea, coffee]\n")
    assert traits.read(file) == traits.of_groups(
        [Group(name="drink", questions=("Tea or coffee?",), answers=("tea", "coffee"))]
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no traits"),
        ("- a", "holds no traits"),
        ("traits: []", "'traits'"),
        ("traits:\n  - name: a\n    questions: [q]\n    answers: [x]\n", "at least 2"),
        ("traits:\n  - name: a\n    questions: []\n    answers: [x, y]\n", "at least 1"),
        ("traits:\n  - name: a\n    questions: [q]\n    answers: [x, X]\n", "comes twice"),
        ("traits:\n  - name: a\n    questions: [q]\n    answers: [yes, true]\n", "valid string"),
        ("traits:\n  - name: a\n    question: [q]\n    answers: [x, y]\n", "Field required|unknown key"),
        ("traits: &a [1]", "anchors"),
    ],
)
def test_anything_else_is_refused(text, says, tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        traits.read(file)


def test_two_groups_of_one_name_are_refused():
    group = Group(name="a", questions=("q?",), answers=("x", "y"))
    with pytest.raises(InputError, match="one name"):
        Candidates(traits=(group, group))
