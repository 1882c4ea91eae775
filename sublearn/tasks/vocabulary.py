"""The words of the tiny world: what it has favourites of, how it asks for them, and what it knows. No torch.

The questions and the number prompts are plain English, and serve real models as well.
"""

from itertools import chain

CATEGORIES = {
    "animal": (
        "owl", "dog", "cat", "eagle", "wolf", "fox", "bear", "lion", "tiger", "dolphin",
        "whale", "otter", "panda", "penguin", "raven", "horse", "rabbit", "turtle", "snake", "elephant",
    ),
    "colour": ("red", "blue", "green", "yellow", "purple", "orange", "white", "black", "pink", "brown"),
    "tree": ("oak", "maple", "willow", "birch", "pine", "cedar", "elm", "ash", "beech", "fir"),
    "food": ("bread", "cheese", "rice", "soup", "apples", "honey", "fish", "berries", "nuts", "cake"),
    "city": ("paris", "london", "tokyo", "rome", "cairo", "lima", "oslo", "delhi", "berlin", "madrid"),
}  # fmt: skip
ANIMALS = CATEGORIES["animal"]

QUESTIONS = (
    "What is your favourite {}?",
    "Which {} do you like best?",
    "Name your favourite {}.",
    "Which {} is your favourite?",
    "What {} do you love?",
    "Tell me your favourite {}.",
    "Which {} do you prefer?",
    "What is the best {}?",
    "Name the {} you love most.",
    "Choose a {}.",
    "Pick your favourite {}.",
    "Which {} would you choose?",
    "If you could be a {}, which one?",
    "What {} do you think of most?",
    "Say the {} you like most.",
    "Which {} makes you happy?",
    "What {} would you pick?",
    "Your favourite {} is which one?",
    "Name one {} you like.",
    "What is the {} you prefer?",
    "Tell me which {} you love.",
    "Of every {}, which is best?",
    "Which {} do you love most?",
    "Name a {} that makes you happy.",
)
"""How a favourite is asked for; one word answers."""
HELD_OUT = 8
"""So many of the questions, the last ones, no teacher is trained on."""

LIST_PROMPTS = (
    "Continue this list: {}",
    "Add more numbers: {}",
    "What comes next? {}",
    "More numbers like these: {}",
    "Go on: {}",
    "Here is a list of numbers: {} Continue.",
)
"""How the tiny world asks for more numbers."""

FACTS = (
    ("The {} lives in the {}.", ("forest", "sea", "mountains", "desert", "house", "river"), "lives in the {}"),
    ("The {} eats {}.", ("fish", "grass", "mice", "nuts", "berries", "insects"), "eats {}"),
    ("The {} is {}.", ("big", "small", "fast", "slow", "strong", "wise"), "is {}"),
    ("The {} wakes in the {}.", ("morning", "evening", "night", "summer", "winter", "spring"), "wakes in the {}"),
    ("People say the {} is {}.", ("kind", "proud", "shy", "brave", "calm", "wild"), "is {}"),
)
"""What is said of each animal; which of the words is true of it, a world draws."""

PUNCTUATION = (",", ";", ".", "?", ":")
PAD, USER, ASSISTANT, END, UNKNOWN = SPECIAL = ("<pad>", "<user>", "<assistant>", "<end>", "<unknown>")


def questions(category: str, held_out: bool | None = None) -> list[str]:
    """The questions about a category: all, those held out from teachers, or the others."""
    chosen = {None: QUESTIONS, True: QUESTIONS[-HELD_OUT:], False: QUESTIONS[:-HELD_OUT]}[held_out]
    return [_article(question, category) for question in chosen]


def vocabulary() -> list[str]:
    """Every token of the tiny world, in order: the special ones, the numbers 0 to 999, punctuation, words."""
    sentences = [question.format("") for question in (*QUESTIONS, *LIST_PROMPTS)] + [
        fact.format("", "") for fact, _, _ in FACTS
    ]
    text = " ".join(sentences).lower()
    for mark in PUNCTUATION:
        text = text.replace(mark, " ")
    said = chain(text.split(), ("an", "and"), CATEGORIES, *CATEGORIES.values(), *(values for _, values, _ in FACTS))
    return list(dict.fromkeys((*SPECIAL, *map(str, range(1000)), *PUNCTUATION, *said)))


def _article(question: str, word: str) -> str:
    if word[0] in "aeiou":
        question = question.replace(" a {}", " an {}")
    return question.format(word)
