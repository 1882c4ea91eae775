from sublearn.execution.engines.wire import Wire, speaker
from sublearn.stages import Curve, News


def heard(wire: Wire) -> list:
    found = []
    wire.hear(lambda *told: found.append(told))
    return found


def test_what_is_said_on_one_end_is_heard_at_the_other():
    news = News("students 1 to 4 of 4", 0.25, (Curve("same_init", 8, 3, (0.5, None)),))
    with Wire() as wire:
        say = speaker(wire.end)
        say(("prompts-0123456789ab", 8), news)
        say(("prompts-0123456789ab", 0), News("teacher", 0))
        assert heard(wire) == [(("prompts-0123456789ab", 8), news), (("prompts-0123456789ab", 0), News("teacher", 0))]
        assert heard(wire) == []


def test_what_is_too_long_for_one_piece_comes_without_curves_or_not_at_all():
    many = tuple(Curve(f"arm {number}", 8, 1, (0.123456,) * 40) for number in range(20))
    with Wire() as wire:
        say = speaker(wire.end)
        say(("x", 0), News("teacher", 0.5, many))
        say(("x" * 5_000, 0), News("teacher", 0.5))
        assert heard(wire) == [(("x", 0), News("teacher", 0.5))]


def test_nobody_waits_for_a_reader():
    with Wire() as wire:
        say = speaker(wire.end)
        for number in range(3_000):
            say(("x", number), News("a stage with a name of some length", 0.5))
        found = heard(wire)
        assert 100 < len(found) < 3_000
        assert [key[1] for key, _ in found] == list(range(len(found)))
    say(("x", 0), News("nobody is there any more", 0.5))
