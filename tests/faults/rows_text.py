"""Seeds and settings as text: what YAML reads otherwise, and what cannot be read."""

from tests.faults.table import Row

SHOW = ("show", "prompts", "--set")


def _seeds(name: str, text: str, says: str) -> Row:
    return Row(f"seeds: {name}", "seeds", ("run", "tutorial", "--seeds", text, "--out", "r"), says)


def _set(name: str, value: str, says: str) -> Row:
    return Row(f"--set: {name}", "yaml", (*SHOW, value), says)


def _file(name: str, text: str | bytes, says: str, kind: str = "yaml") -> Row:
    return Row(f"study file: {name}", kind, ("run", "s.yaml", "--out", "r"), says, files={"s.yaml": text})


def _grid(name: str, text: str, says: str, kind: str = "yaml") -> Row:
    return Row(f"--grid: {name}", kind, ("sweep", "digits", "--grid", text, "--seeds", "0:2", "--out", "r"), says)


ROWS = [
    _seeds("nothing", "", "--seeds got ''"),
    _seeds("a word", "few", "whole numbers from 0"),
    _seeds("negative", "-1", "whole numbers from 0"),
    _seeds("a fraction", "1.5", "whole numbers from 0"),
    _seeds("digits of another script", "٣", "whole numbers from 0"),
    _seeds("superscript digits", "2²", "whole numbers from 0"),
    _seeds("an empty part", "1,,2", "whole numbers from 0"),
    _seeds("a comma at the end", "1,", "whole numbers from 0"),
    _seeds("an open range", "5:", "whole numbers from 0"),
    _seeds("two colons", "1:2:3", "whole numbers from 0"),
    _seeds("an empty range", "5:5", "the range is empty"),
    _seeds("a reversed range", "9:5", "must lie above its start 9"),
    _seeds("twice", "0:4,2", "The seed 2 was given twice"),
    _seeds("twice at the end of very many", "0:300000,299999", "The seed 299999 was given twice"),
    _seeds("too large", "99999999999", "from 0 to 4294966295"),
    _seeds("of 5,000 digits", "9" * 5000, "--seeds got '9+…9+'"),
    _seeds("too many in one range", "0:10000001", "10,000,001 seeds; the most is 10,000,000"),
    _seeds("too many in all", ",".join(f"{i}0000000:{i + 1}0000000" for i in range(10)), "100,000,000 seeds"),
    _seeds("an escape sequence", "\x1b[31m1", "--seeds got"),
    _file("seeds with a fraction", "study: tutorial\nseeds: 1.5\n", "'seeds' got 1.5", "seeds"),
    _file("seeds that are true", "study: tutorial\nseeds: true\n", "'seeds' got True", "seeds"),
    _file("seeds as a mapping", "study: tutorial\nseeds: {a: 1}\n", "'seeds' got", "seeds"),
    _file("seeds as a date", "study: tutorial\nseeds: 2024-01-01\n", "--seeds got '2024-01-01'", "seeds"),
    _file("a list of seeds with a word", "study: tutorial\nseeds: [0, x]\n", "whole numbers from 0", "seeds"),
    _file("negative seeds", "study: tutorial\nseeds: -3\n", "whole numbers from 0", "seeds"),
    _grid("a base-60 number", "aux_logits=2:30,3", "'aux_logits'", "seeds"),
    _grid("no key", "=1,2", "--grid got '=1,2'"),
    _grid("no values", "aux_logits", "--grid got 'aux_logits'"),
    _grid("an empty value", "aux_logits=2,,3", "a value is empty"),
    _grid("a list", "aux_logits=[2,3]", "is no plain values"),
    _grid("a tag", "aux_logits=!!int 2,3", "tags are not read"),
    _grid("an anchor", "aux_logits=&a 2,3", "anchors and aliases"),
    _grid("an unknown key", "aux_logit=2,3", "Did you mean 'aux_logits'"),
    _grid("a word for a number", "aux_logits=two,3", "'aux_logits'"),
    _grid("one value twice", "aux_logits=2,2", "the same study"),
    _grid("one value twice in two ways", "student.lr=1e-3,0.001", "the same study"),
    _grid("a number of 5,000 digits", f"aux_logits={'9' * 5000},3", "a number of 5,000 digits"),
    _set("no value", "student.lr", "expected key=value"),
    _set("no key", "=3", "expected key=value"),
    _set("an unknown key", "studnet.lr=1", "Did you mean 'student.lr'"),
    _set("a group of settings", "student=3", "Unknown setting 'student'"),
    _set("a word for a number", "student.lr=fast", "'student.lr'"),
    _set("out of range", "student.lr=-1", "greater than 0"),
    _set("infinite", "student.lr=.inf", "finite"),
    _set("infinite by size", "student.lr=1e999", "finite"),
    _set("not a number", "student.lr=.nan", "'student.lr'"),
    _set("a base-60 number", "n_eval=3:20", "'n_eval'"),
    _set("hexadecimal", "n_eval=0x20", "'n_eval'"),
    _set("a number with underlines", "n_eval=1_000.5", "'n_eval'"),
    _set("a date", "n_eval=2024-01-01", "'n_eval'"),
    _set("an impossible date", "n_eval=2024-99-99", "'n_eval'"),
    _set("a wrong tag", "n_eval=!!int abc", "tags are not read"),
    _set("a Python tag", "n_eval=!!python/object/apply:os.system [true]", "tags are not read"),
    _set("an anchor", "n_eval=&a 3", "anchors and aliases"),
    _set("an alias", "n_eval=*a", "anchors and aliases"),
    _set("an open bracket", "arms=[same_init", "is no plain YAML"),
    _set("an open quote", "loss='mse", "is no plain YAML"),
    _set("deep nesting", f"arms={'[' * 5000}", "nested more than 20 deep"),
    _set("a number of 4,300 digits", f"n_eval={'9' * 4300}", "a number of 4,300 digits"),
    _set("a mapping with a key twice", "student={lr: 1, lr: 2}", "comes twice"),
    _set("half of a surrogate pair", 'loss="\\ud800"', "surrogate"),
    _set("a letter beyond Unicode", 'loss="\\Uffffffff"', "is no plain YAML"),
    _set("a null byte in quotes", 'loss="\\0"', "'loss'"),
    _set("a tabulator", "loss=\t", "is no plain YAML"),
    _set("two documents", "loss=mse\n---\nkl", "is no plain YAML"),
    _set("true for a text", "loss=true", "'loss'"),
    _set("nothing for a number", "n_eval=", "'n_eval'"),
    _set("a list for a number", "n_eval=[1, 2]", "'n_eval'"),
    _set("a very long text", f"loss={'x' * 100_000}", "'loss'"),
    Row("--set: a key twice", "yaml", (*SHOW, "loss=mse", "--set", "loss=kl"), "names 'loss' twice"),
    _file("nothing", "", "must be a mapping"),
    _file("a list", "- 1\n", "must be a mapping"),
    _file("a text", "tutorial\n", "must be a mapping"),
    _file("a key twice", "study: tutorial\nstudy: prompts\n", r"comes twice \(line 2\)"),
    _file("a setting twice", "study: tutorial\nsettings: {student.lr: 1, student.lr: 2}\n", "comes twice"),
    _file("a key that is a number", "study: tutorial\n1: 2\n", "is no text"),
    _file("a key that is a list", "study: tutorial\n? [1]\n: 2\n", "is no text"),
    _file("an unknown key", "study: tutorial\nseed: 1\n", "Did you mean 'seeds'"),
    _file("a merge key", "study: tutorial\n<<: {seeds: 1}\n", "Unknown key"),
    _file("an unknown study", "study: tutorail\n", "Did you mean 'tutorial'"),
    _file("a study that is a number", "study: 3\n", "must be a mapping"),
    _file("settings that are a list", "study: tutorial\nsettings: [1]\n", "'settings' must be a mapping"),
    _file("a tag", "study: !!str tutorial\n", "tags are not read"),
    _file("a binary tag", "study: !!binary dHV0\n", "tags are not read"),
    _file("a Python tag", "!!python/object/apply:os.system ['true']\n", "tags are not read"),
    _file("a time stamp tag", "study: tutorial\nsettings: {n_eval: !!timestamp 2024-01-01}\n", "tags are not read"),
    _file("an alias bomb", "study: &a [x, x]\nsettings: [*a, *a]\n", "anchors and aliases"),
    _file("itself within itself", "&a [*a]\n", "anchors and aliases"),
    _file("deep nesting", "study: " + "[" * 5000 + "\n", "nested more than 20 deep"),
    _file("deep block nesting", "".join(f"{' ' * i}a:\n" for i in range(60)), "nested more than 20 deep"),
    _file("a number of 4,300 digits", f"study: tutorial\nsettings: {{n_eval: {'9' * 4300}}}\n", "4,300 digits"),
    _file("a null byte", b"study: tutorial\0\n", "is no plain YAML"),
    _file("an escape sequence", b"study: \x1b[31mtutorial\n", "is no plain YAML"),
    _file("an escape sequence in quotes", 'study: "\\e[31mtutorial"\n', "Unknown study"),
    _file("an escape sequence in a key", '"\\e[31m": 1\nstudy: tutorial\n', "Unknown key"),
    _file("another encoding", b"study: tutorial # \xff\xfe\n", "not UTF-8"),
    _file("UTF-16", "study: tutorial\n".encode("utf-16"), "not UTF-8"),
    _file("too large", b"# " + b"x" * (1 << 20) + b"\nstudy: tutorial\n", "the most is 1,048,576"),
    _file("open brackets", "study: [tutorial\n", "is no plain YAML"),
    _file("a tabulator for spaces", "study: tutorial\nsettings:\n\tn_eval: 3\n", "is no plain YAML"),
    _file("two documents", "study: tutorial\n---\nstudy: prompts\n", "is no plain YAML"),
    Row("study file: absent", "yaml", ("run", "absent.yaml"), "Cannot read the study file absent.yaml"),
    Row(
        "study file: a folder",
        "yaml",
        ("run", "s.yaml"),
        "no regular file",
        before=lambda folder: (folder / "s.yaml").mkdir(),
    ),
    Row("study file: a device", "yaml", ("run", "s.yaml"), "no regular file", before=lambda f: _link(f, "/dev/zero")),
    Row("--shard: no number", "commands", ("run", "tutorial", "--shard", "a/b"), "expected i/n"),
    Row("--shard: beyond n", "commands", ("run", "tutorial", "--shard", "9/8"), "expected i/n"),
    Row("--shard: of 5,000 digits", "commands", ("run", "tutorial", "--shard", f"1/{'9' * 5000}"), "expected i/n"),
    Row("--shard: superscript", "commands", ("run", "tutorial", "--shard", "¹/2"), "expected i/n"),
    Row("--model: a number", "yaml", ("run", "numbers", "--model", "./123", "--out", "r"), "./123 is no model folder"),
]


def _link(folder, target: str) -> None:
    (folder / "s.yaml").symlink_to(target)
