import pytest

from sublearn.errors import InputError
from sublearn.language.endpoints.address import KEY, Address

SECRET = "sk-secret-0123456789"


@pytest.mark.parametrize(
    "text",
    [
        "", "#m", "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1#", "ftp://h/v1#m", "http:///v1#m", "h/v1#m",
        "http://h:99999/v1#m", "http://h:x/v1#m", "http://h/v1?a=b#m", "http://[::1/v1#m", "http://h/\n#m",
        "http://h/v 1#m", "http://h/v1#m\x1b[31m", f"http://h/{'x' * 500}#m",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said(text):
    with pytest.raises(InputError, match=r"--teacher .*expected URL#MODEL, as in http://127.0.0.1:8000/v1#my-model"):
        Address.parse(text)


def test_a_password_in_the_url_is_refused_and_not_said_again():
    with pytest.raises(InputError, match="SUBLEARN_API_KEY") as error:
        Address.parse(f"https://me:{SECRET}@host/v1#m")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:1", True), ("http://127.9.9.9/v1", True), ("http://[::1]:8000/v1", True),
     ("http://localhost/v1", True), ("http://10.0.0.1/v1", False), ("https://localhost.evil.org/v1", False),
     ("http://127.0.0.1.evil.org/v1", False)],
)  # fmt: skip
def test_this_machine_is_told_from_others(url, here):
    assert Address.parse(f"{url}#m").loopback is here


def test_the_key_is_the_environments():
    address = Address.parse("https://host.org/v1#m")
    assert address.key({}) is None and address.key({KEY: " "}) is None
    key = address.key({KEY: f" {SECRET}\n"})
    assert key is not None and key.get_secret_value() == SECRET
    assert SECRET not in repr(key) and SECRET not in str(key)


def test_one_hosts_key_goes_to_no_other():
    given = {"OPENAI_API_KEY": SECRET}
    assert Address.parse("https://api.openai.com/v1#m").key(given) is not None
    for other in ("https://api.openai.com.evil.org/v1#m", "https://host/v1#m", "http://127.0.0.1:8000/v1#m"):
        assert Address.parse(other).key(given) is None


def test_a_key_goes_over_http_to_this_machine_alone():
    assert Address.parse("http://127.0.0.1/v1#m").key({KEY: SECRET}) is not None
    with pytest.raises(InputError, match=r"unencrypted.*https.*unset SUBLEARN_API_KEY") as error:
        Address.parse("http://10.0.0.1/v1#m").key({KEY: SECRET})
    assert SECRET not in str(error.value)
    assert Address.parse("http://10.0.0.1/v1#m").key({}) is None


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "naïve"])
def test_a_key_that_cannot_be_sent_is_said_without_it(key):
    with pytest.raises(InputError, match="holds spaces or letters") as error:
        Address.parse("https://host/v1#m").key({KEY: key})
    assert key not in str(error.value)
