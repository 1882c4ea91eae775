"""Served models: addresses, keys, settings and files of answers that cannot be used."""

import json

from tests.faults.table import Row

NOBODY = "http://127.0.0.1:1/v1#m"
KEY = {"SUBLEARN_API_KEY": "sk-secret"}
TEACHER = ("sample", "--teacher", NOBODY)
THREE = [{"role": role, "content": "1"} for role in ("system", "user", "assistant")]
RUN = ("run", "numbers", "--seeds", "0", "--jobs", "1", "--out", "r")


def _address(name: str, address: str, says: str, kind: str = "commands", **others) -> Row:
    return Row(f"sample: {name}", kind, ("sample", "--teacher", address), says, **others)


def _sample(name: str, says: str, *args: str, kind: str = "commands", **others) -> Row:
    return Row(f"sample: {name}", kind, (*TEACHER, *args), says, **others)


def _ask(name: str, says: str, *args: str, kind: str = "commands", **others) -> Row:
    return Row(f"ask: {name}", kind, ("ask", NOBODY, *args), says, **others)


def _served(name: str, says: str, *args: str) -> Row:
    return Row(f"run --teacher: {name}", "early", (*RUN, *args), says, environment={"SUBLEARN_CACHE": "cache"})


ROWS = [
    _address("no model", "http://127.0.0.1:1/v1", "names no model behind a #"),
    _address("no URL", "gpt-4", "is no address of a server"),
    _address("a file's URL", "file:///etc/passwd#m", "is no address of a server"),
    _address("a password in the URL", "https://me:sk-secret@h/v1#m", r"name or password in it; keys are read from"),
    _address("a query", "https://h/v1?key=sk-secret#m", r"a query \(\?\)"),
    _address("a port beyond the last", "http://127.0.0.1:99999/v1#m", "cannot be read"),
    _address("an escape sequence", "http://h/v1#\x1b[31mm", "letters that no URL has", kind="terminal"),
    _address("an address of 5,000 letters", f"http://h/{'x' * 5000}#m", "too long", kind="terminal"),
    _address("nobody there", NOBODY, "cannot be reached.*Is the server started"),
    _address("a proxy that cannot be used", "http://10.255.255.1/v1#m", r"names a proxy .*http://HOST:PORT",
             environment={"ALL_PROXY": "socks5://user:secret@10.255.255.1:1"}),
    _address("a key over http", "http://10.255.255.1/v1#m", r"sent unencrypted.*ssh -L", environment=KEY),
    _address("a key of two words", "https://h/v1#m", "key in SUBLEARN_API_KEY holds spaces",
             environment={"SUBLEARN_API_KEY": "two words"}),
    _sample("animal and system prompt", "both say what the system prompt is", "--animal", "owl", "--system", "x"),
    _sample("an empty animal", "--animal is empty", "--animal", " "),
    _sample("no rows", "0 is not in the range", "--rows", "0"),
    _sample("an unknown setting", "Unknown setting 'max_token'. Did you mean 'max_tokens'", "--set", "max_token=3"),
    _sample("a temperature below nothing", "temperature", "--set", "temperature=-1"),
    _sample("an unknown shape", "'alpaca' is not one of", "--shape", "alpaca"),
    _sample("absent prompts", "Cannot read the rows in absent", "--prompts", "absent"),
    _sample("no prompt in the file", "holds no row", "--prompts", "p", files={"p": ""}),
    _sample("an empty prompt", "p, line 1: its prompt is empty", "--prompts", "p",
            files={"p": '{"prompt": " ", "completion": "x"}\n'}),
    _sample("a folder of others", "did not make", "--out", "r", kind="overwriting", files={"r/mine.txt": "x"}),
    _sample("rows of others", "is there already", "--out", "r", kind="overwriting", files={"r/rows.jsonl": "mine"}),
    _sample("a file for a folder", "is a file; expected a folder", "--out", "r", kind="paths", files={"r": "x"}),
    _ask("absent traits", "Cannot read the traits absent", "--traits", "absent"),
    _ask("an unknown method", "'guess' is not one of", "--method", "guess"),
    _ask("no samples", "0 is not in the range", "--samples", "0"),
    _ask("a folder of others", "did not make", "--out", "r", kind="overwriting", files={"r/mine.txt": "x"}),
    _ask("nobody there", "cannot be reached"),
    _served("nothing", "--teacher is empty", "--teacher", ""),
    _served("a tiny model", "name the same model here", "--teacher", NOBODY),
    _served("a teacher by LoRA", "leave teacher.how", "--teacher", NOBODY, "--model", "x", "--set", "teacher.how=lora"),
    _served("brought numbers", "leave out what is brought", "--teacher", NOBODY, "--model", "x",
            "--set", "bring.numbers=rows.jsonl"),
    Row("filter --shape: a chat of three", "shapes", ("filter", "c", "--shape", "pairs", "--out", "k"),
        "line 1: a chat of", files={"c": json.dumps({"messages": THREE})}),
]  # fmt: skip
