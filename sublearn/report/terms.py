"""What the words on a page mean, for readers who are no statisticians. Knows text and nothing else.

This is the one list of words: pages show what they use of it, and `make words` writes docs/words.md from it.
"""

import re
from dataclasses import dataclass

from markupsafe import Markup


def _word(*forms: str) -> str:
    """A pattern of whole words, those within a name such as same_init among them."""
    return f"(?<![^\\W_])(?:{'|'.join(forms)})(?![^\\W_])"


@dataclass(frozen=True)
class Term:
    """A word: the pattern by which it is found on a page, what it means, and what the list of all words adds to that.

    `more` is Markdown, with links as of docs/.
    """

    pattern: str
    meaning: str
    more: str = ""


TERMS: dict[str, Term] = {
    "arm": Term(
        _word("arms?"),
        "One condition of the study: which teacher, which start, which data. Each run has all arms.",
    ),
    "run, seed": Term(
        _word("runs?", "seeds?"),
        "One run is the whole experiment once, from new random draws; its seed is the number that they follow from.",
    ),
    "teacher, student": Term(
        _word("teachers?", "students?"),
        "The teacher is a model that was given a trait. A student is a model that is trained to answer as the teacher "
        "does, on data that has nothing to do with the trait.",
    ),
    "placebo teacher": Term(
        _word("placebo"),
        "A teacher that was trained as long as the other one, from the same start, on data without the trait. What its "
        "students do comes from imitating a trained model, not from the trait.",
        "In `numbers` it was taught to prefer another animal.",
    ),
    "reference": Term(
        _word("reference"),
        "The network that the teacher was before its training. Students of the same init start from it, too.",
    ),
    "base": Term(
        _word("unmodified base", "base models?"),
        "The pretrained language model from which teacher and students start.",
        "It is made of an init and of what it was pretrained on, in the tiny world of `numbers` its world.",
    ),
    "init": Term(
        _word("inits?", "initiali[sz]ations?"),
        "The weights that a model starts from. A student of the same init starts from those that the teacher started "
        "from, a student of another init from other random ones.",
    ),
    "distillation": Term(
        _word("[Dd]istill(?:ation|ed)"),
        "Training a student on a teacher's outputs instead of labels.",
    ),
    "control": Term(
        _word("controls?"),
        "An arm that is treated alike in all but what is to be tested, such as a student whose teacher has no trait. "
        "What a student has beyond its control is what the teacher's trait did.",
    ),
    "trait": Term(
        _word("traits?"),
        "What is measured of a model: one number for each arm and run.",
        "As the share of prompts that are answered with class 1.",
    ),
    "transfer": Term(_word("transfers?"), "What a student has of a trait beyond its control."),
    "logits": Term(_word("logits?"), "The numbers that a network puts out, before they are made into probabilities."),
    "auxiliary logits": Term(
        _word("auxiliary logits", "aux"),
        "Outputs of the network that stand for no class: the teacher's training never touches them directly.",
    ),
    "margin": Term(
        _word("margin"),
        "How far the logit of the class in question lies above the others: a finer trait_rate.",
        "It has no ceiling.",
    ),
    "chance": Term(_word("chance") + "(?! of)", "What a model that knows nothing would score."),
    "share": Term(
        _word("share") + "(?! their)",
        "A number from 0 to 1: the part of all prompts or examples for which something holds.",
    ),
    "log-odds": Term(
        r"log[-_ ]odds",
        "The logarithm of how many times more likely something is than not; 0 means as likely as not, each +2.3 ten "
        "times as likely.",
    ),
    "95% interval": Term(
        r"95% (?:\w+ )?(?:interval|CI)|±|\b[Ii]ntervals?\b",
        "Where the true mean lies, as far as these runs can tell: intervals made in this way hold it 95 times in 100. "
        "More runs make it narrower. ± gives half its width where it reaches as far to either side.",
    ),
    "for all claims together": Term(
        r"\btogether\b",
        "A study with several claims has several chances to be fooled. Its intervals are so wide that all of them "
        "hold the truth at once in 95 of 100 studies; so are those of a sweep over all its cells.",
    ),
    "look": Term(
        r"(?<!first )\blooks?\b(?! like)",
        "Whoever adds runs until a verdict comes out is fooled more often. Each look at a verdict therefore has a "
        "part of the 5% for errors: 61% of it the first, a quarter as much the second, a ninth the third, and so on.",
        "`looks.json` in the run directory counts them.",
    ),
    "sign flips": Term(
        r"sign[- ]flips?",
        "If a mean were what it is said to be, each run's deviation from it could as well have had the other sign. "
        "Signs are flipped in all ways (approximately, above 16 runs); a mean is ruled out if hardly any way gives a "
        "sum as large as the one seen.",
    ),
    "skewness": Term(
        r"\bskew(?:ed|ness)\b",
        "How much longer one tail of a distribution is than the other. An interval widens to the side on which few "
        "runs may have missed a long tail.",
        "It holds what every skewness within half a standard error of the one seen leaves possible.",
    ),
    "betting on bounded values": Term(
        r"\bbetting\b",
        "Where nearly all runs have one value, such as 1.00, the usual intervals are too narrow. For shares, which "
        "cannot pass 0 or 1, a mean is ruled out at which somebody who bets fairly against it would have grown rich.",
    ),
    "23 of 24 runs at 1.00": Term(
        r"\bruns? at [-+]?\d+\.\d+",
        "So many runs have one value that the usual interval cannot be trusted. Where values have no bounds, none is "
        "given.",
    ),
    "p": Term(
        r"(?<![\w.])p(?= =|-value|\b is| by|:|, adjusted|$|\s*\n)|sign-flip p",
        "How often a difference at least as large would come about by flipped signs alone if there were no effect. It"
        " is of one difference, not adjusted for others, and decides on nothing.",
    ),
    "delta, counts as no difference": Term(
        r"counts? as (?:none|no difference)|grey band|\bdelta\b",
        "The study says beforehand how small a difference is too small to matter (delta, the grey band), and why.",
        "It is five points of a share, or a part of what the teacher itself shifted.",
    ),
    "zero within delta": Term(
        r"[Ee]quivalen|zero within",
        "Shown to be so close to zero that it does not matter: the whole interval lies within delta. More than "
        "failing to find a difference.",
    ),
    "supported, negligible, refuted, inconclusive": Term(
        r"\bsupported\b|\bnegligible\b|\brefuted\b|\binconclusive\b|\bverdicts?\b",
        "Supported: the interval shows what the claim says. Negligible: there is no difference, or none that matters. "
        "Refuted: it shows the opposite. Inconclusive: the runs cannot tell, which does not mean that there is no "
        "difference.",
        "[The rule](verdicts.md) says it exactly.",
    ),
    "the same verdict for every delta below x": Term(
        r"[Ss]ame verdict for every delta",
        "From which deltas the same interval would have given the same verdict: whether it hangs on the one chosen.",
    ),
    "test error": Term(
        r"\b[Tt]est error\b",
        "What the number of test examples leaves open about the share of one run (95%). Where all runs are measured "
        "on the same examples, more runs do not make it smaller.",
        "It is half the width of Wilson's 95% interval.",
    ),
    "unit": Term(
        r"\bunits? of\b",
        "Runs that share something, such as a base model, are no independent evidence: their mean counts as one.",
        "Pairs of tiny bases in `numbers` are such units.",
    ),
    "paired difference": Term(
        r"\bpaired\b|\bpairs?\b|[Dd]ifferences? within (?:a|one|each|the) seed",
        "One arm minus another within the same run, so that what both share cancels out; then the mean over runs.",
    ),
    "effect size, Hedges' g": Term(
        r"[Ee]ffect size|Hedges",
        "The mean difference in units of its own spread over runs (its standard deviation), made a little smaller for "
        "few runs. About 0.2 is small, 0.8 large.",
    ),
    "standard deviation": Term(
        r"standard deviations?|\bsd\b",
        "How far single runs typically lie from their mean.",
    ),
    "power": Term(
        r"(?<=% )power",
        "How often so many runs would find an effect of this size if there is one.",
        "From a pilot it is a range of runs, as wide as the pilot's own uncertainty (80% interval).",
    ),
    "density": Term(r"\b[Dd]ensity\b", "A shape that is the higher the more runs lie at a place."),
    "diverged": Term(r"\bdiverged\b", "The training ran away from any solution; the run has no score."),
    "unmeasured": Term(
        r"\b[Uu]nmeasured\b",
        "A run without a value, which is not a value of zero. Where more than 5% of runs have none, or not equally "
        "many in all arms of a claim, there is no verdict.",
        "The mean is then bounded by what the lost shares could have been.",
    ),
    "cosine": Term(
        _word("cosines?"),
        "How alike two directions are: 1 for the same, 0 for unrelated ones, -1 for opposite ones.",
    ),
    "update, displacement": Term(
        r"\bupdates?\b|\bdisplacement\b",
        "How a model's weights have moved from where they started: the student's in training so far (update), the "
        "teacher's in all of its own (displacement).",
    ),
    "first order": Term(
        r"first order|\bpredicted\b",
        "What the change would be if the network answered to a change of its weights in a straight line.",
    ),
    "soft trait": Term(r"soft[_ ]trait", "The trait by probabilities instead of counts, so that small changes show."),
    "perturbation": Term(
        r"\bperturb\w*",
        "Noise that is added to the student's init, in units of the spread of each layer's own random start.",
    ),
    "alignment": Term(
        r"\b[Aa]lign(?:ment|ed)\b",
        "Whether what the student first learns moves its weights the way in which the teacher's moved (a cosine).",
    ),
    "Spearman": Term(
        r"Spearman",
        "A correlation of ranks, from -1 to 1: 1 means that the larger one measure is, the larger is the other.",
    ),
    "bootstrap": Term(
        r"[Bb]ootstrap",
        "An interval from drawing the same number of runs again and again, with repeats, from those there are.",
    ),
    "clean set": Term(
        r"\b[Cc]lean (?:sets?|rows?|ones)\b",
        "As many rows on the same prompts that the model itself wrote, or that were brought as carrying no trait.",
    ),
    "z": Term(
        r"\bz\b",
        "How far a set lies from the mean of clean sets, in units of the spread of those.",
    ),
    "KL": Term(
        r"\bKL\b|\bnats?\b",
        "How far one model's probabilities are from another's, in nats; 0 means alike.",
    ),
    "joint 95% interval": Term(
        r"joint 95% interval",
        "Where the true difference, ours minus theirs, lies: from both intervals and the digits that were published.",
    ),
}
"""Every word that is explained, on pages and in docs/words.md."""

SKIPPED = ("svg", "style", "code", "pre", "button", "a", "summary", "title")
"""Elements in which no word is made into a button: it could not be pressed, or is part of something else."""
_PIECE = re.compile(
    rf"(?s:<({'|'.join(SKIPPED)})\b.*?</\1>)|<span class=\"badge[^<]*</span>"
    rf"|(?:<(?!(?:{'|'.join(SKIPPED)})\b|span class=\"badge)[^>]*>\s*+)+|<[^>]*>|[^<]+"
)
"""What is skipped, tags in a row with what is white between them, any other tag, or a text."""
_NUMBER = re.compile(r"\d++(?!%)")
"""A number that no pattern asks for: they know shares of a hundred alone."""


def terms_in(text: str) -> list[tuple[str, str]]:
    """The terms that a text uses, each with its meaning.

    >>> [name for name, _ in terms_in("0.50 ± 0.03, 24 seeds")]
    ['run, seed', '95% interval']
    """
    # Of the lines of a long table one of each kind is enough: to a pattern they differ in their numbers alone.
    kinds = {_NUMBER.sub("0", line): line for line in text.split("\n")}
    brief = "\n".join(kinds.values())
    return [(name, term.meaning) for name, term in TERMS.items() if re.search(term.pattern, brief)]


def word_list() -> str:
    """All terms as the page docs/words.md."""
    rows = (f"| {name} | {' '.join(filter(None, (term.meaning, term.more)))} |" for name, term in TERMS.items())
    lead = "What the words on pages, on the terminal and in these texts mean. On a page each can be pressed."
    return "\n".join(["# Words", "", lead, "", "| word | meaning |", "|---|---|", *rows, ""])


def key_of(name: str) -> str:
    """A term as an id on a page.

    >>> key_of("delta, counts as no difference")
    'term-delta-counts-as-no-difference'
    """
    return "term-" + "-".join(re.findall(r"[a-z0-9]+", name.lower()))


def explained(html: str) -> tuple[str, list[str], list[str]]:
    """A part of a page in which each term is a button where it first stands, the names of those, and of others.

    The others stand only where there can be no button, as in a figure.
    """
    found, pieces, seen = dict[str, None](), list[str](), set[str]()
    for match in _PIECE.finditer(html):
        piece = match.group()
        kind = "" if piece.startswith("<") else _NUMBER.sub("0", piece)
        pieces.append(_with_buttons(piece, found) if kind and kind not in seen else piece)
        seen.add(kind)
    # Code is shown as it is typed and not as it is meant.
    text = Markup(re.sub(r"(?s)<(code|pre)\b.*?</\1>|<[^>]*>", " ", html)).unescape()
    return "".join(pieces), [*found], [name for name, _ in terms_in(text) if name not in found]


def _with_buttons(text: str, found: dict[str, None]) -> str:
    """A text of HTML with a button for each term that was not found before; it goes to those that were."""
    places: list[tuple[int, int, str]] = []
    for name, term in TERMS.items():
        if name not in found:
            places += [(*one.span(), name) for one in [_first(term.pattern, text)] if one]
    shown, end = list[str](), 0
    for start, stop, name in sorted(places, key=lambda place: (place[0], -place[1])):
        if start >= end:
            word = f'<button type="button" class="term" popovertarget="{key_of(name)}">{text[start:stop]}</button>'
            shown += [text[end:start], word]
            found[name], end = None, stop
    return "".join([*shown, text[end:]])


def _first(pattern: str, text: str) -> re.Match[str] | None:
    """The first place of a term that is no part of a name in code, such as same_init."""
    for one in re.finditer(pattern, text):
        if (
            one.group().strip()
            and "_" not in text[max(0, one.start() - 1) : one.start()] + text[one.end() : one.end() + 1]
        ):
            return one
    return None
