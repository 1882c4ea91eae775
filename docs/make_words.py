"""The list of words, docs/words.md, from what pages say that they mean: `make words`."""

from pathlib import Path

from sublearn.report.terms import word_list

if __name__ == "__main__":
    (Path(__file__).parent / "words.md").write_text(word_list(), encoding="utf-8")
