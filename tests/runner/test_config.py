import pytest

from braze_runner.config import Secret, read_config
from braze_runner.errors import ConfigError

SET = {"BRAZE_API_KEY": "key-1", "BRAZE_REST_ENDPOINT": "rest.iad-01.braze.com"}


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("rest.iad-01.braze.com", "https://rest.iad-01.braze.com"),
        ("https://rest.fra-02.braze.eu", "https://rest.fra-02.braze.eu"),
        ("https://REST.us-10.braze.com/", "https://rest.us-10.braze.com"),
        ("https://rest.jp-01.braze.com:443", "https://rest.jp-01.braze.com:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_endpoints_that_are_taken(endpoint: str, expected: str) -> None:
    assert read_config(SET | {"BRAZE_REST_ENDPOINT": endpoint}).endpoint == expected


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://rest.iad-01.braze.com",
        "https://evil.example/?.braze.com",
        "https://evil.example/rest.iad-01.braze.com",
        "https://evil.example#rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com.evil.example",
        "https://evil.example?rest.iad-01.braze.com",
        "https://user:word@rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com@evil.example",
        "https://rest.iad-01.braze.com\\@evil.example",
        "https://rest.iad-01.braze.com:8443",
        "https://rest.iad-01.braze.com:99999",
        "https://rest.iad-01.braze.com/users",
        "https://rest.iad-01.braze.com?users",
        "https://rest.iad-01.braze.com#users",
        "https://rest.iad-\u0660\u0661.braze.com",
        "https://rest.iad\t-01.braze.com",
        "https://rest.iad-01.braze.com.",
        "https://rest.iad-01.brazeXcom",
        "https://rest-iad-01.braze.com",
        "https://rest.iad-01.bråze.com",
        "https://rest.iad-01.braze\u3002com",
        "https://rest\uff0eiad-01.braze.com",
        "https://REST.IAD-01.BRAZE.COM.EVIL.EXAMPLE",
        "https://rest.iad-01.braze.com%2eevil.example",
        "https://rest.iad-01.braze.com:443@evil.example",
        "https://rest.iad-01.braze.com.:443",
        "https://rest.iad-01.braze.com:80",
        "rest.iad-01.braze.com.evil.example",
        "//evil.example",
        "[::1",
        "127.0.0.1.nip.io",
        "http://localhost.",
        "https://evil.example\n.braze.com",
        "http://127.0.0.1.evil.example",
        "http://2130706433",
        "ftp://127.0.0.1",
        "https://",
        "https://[::1",
    ],
)
def test_endpoints_that_are_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError):
        read_config(SET | {"BRAZE_REST_ENDPOINT": endpoint})


def test_another_host_when_the_user_names_it() -> None:
    named = SET | {"BRAZE_REST_ENDPOINT": "https://proxy.example", "BRAZE_ALLOWED_HOST": "proxy.example"}
    assert read_config(named).host == "proxy.example"
    with pytest.raises(ConfigError, match="must be https"):
        read_config(named | {"BRAZE_REST_ENDPOINT": "http://proxy.example"})
    for other in ("proxy.example.net", "evil-proxy.example", "evil.proxy.example"):
        with pytest.raises(ConfigError, match="BRAZE_ALLOWED_HOST"):
            read_config(named | {"BRAZE_REST_ENDPOINT": f"https://{other}"})
    with pytest.raises(ConfigError, match="no user, path or query"):
        read_config(named | {"BRAZE_REST_ENDPOINT": "https://proxy.example@evil.example"})


@pytest.mark.parametrize("missing", ["BRAZE_API_KEY", "BRAZE_REST_ENDPOINT"])
def test_missing_variables_are_named(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        read_config({name: value for name, value in SET.items() if name != missing})
    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        read_config(SET | {missing: " "})


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match="BRAZE_REST_ENDPOINT and BRAZE_API_KEY are not set"):
        read_config({})


def test_destination() -> None:
    assert read_config(SET).destination == "default"
    assert read_config(SET | {"BRAZE_DESTINATION": "dev-eu"}).destination == "dev-eu"
    with pytest.raises(ConfigError, match="BRAZE_DESTINATION"):
        read_config(SET | {"BRAZE_DESTINATION": "it's"})


def test_the_key_shows_nowhere() -> None:
    config = read_config(SET)
    assert config.key.reveal() == "key-1"
    assert "key-1" not in f"{config!r} {config} {config.key} {Secret('key-1')!r}"
    with pytest.raises(ConfigError) as caught:
        read_config(SET | {"BRAZE_API_KEY": "key-1\nInjected: yes"})
    assert "key-1" not in str(caught.value)
