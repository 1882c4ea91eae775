import pytest

from sublearn.study.table import build


@pytest.mark.parametrize(
    ("arms", "together"),
    [
        ([], 2),
        (["same_init", "cross_init"], 2),
        (["cross_init_same_world"], 2),
        (["same_init_cross_world_control"], 2),
        (["same_init", "shuffled_within", "soft"], 1),
    ],
)
def test_seeds_are_one_unit_where_an_arm_reads_what_another_seeds_base_wrote(arms, together):
    assert build("numbers", {"arms": arms} if arms else {}).seeds_a_unit == together
