"""Settings come from a file, the environment and the command line, and say what is wrong."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.settings import (
    BUILT_IN_PROVIDERS,
    RESERVED,
    Settings,
    is_loopback,
    load,
    table,
    url_fault,
)

NAMES = {setting.name: setting for setting in table()}

# Another allowed value than the default for each setting, as text.
OTHERS: dict[str, str] = {
    "host": "localhost",
    "port": "4285",
    "data": "elsewhere",
    "workers": "3",
    "node": "n1",
    "default_provider": "groq",
    "allowed_targets": "https://a.example,http://b.example:8080",
    "allow_remote": "true",
    "require_key": "true",
    "on_disconnect": "grace=5",
    "stream_usage": "false",
    "prices_file": "prices.json",
    "limits.max_header_bytes": "2048",
    "limits.max_body_bytes": "1000",
    "limits.max_connections": "7",
    "limits.header_timeout_s": "1.5",
    "limits.first_token_timeout_s": "30",
    "limits.total_timeout_s": "60",
    "limits.keepalive_timeout_s": "2",
    "limits.connect_timeout_s": "3",
    "limits.idle_timeout_s": "4",
    "limits.upstream_idle_s": "5",
    "limits.stop_grace_s": "0",
    "journal.segment_bytes": "8192",
    "journal.disk_limit_bytes": "9999999",
    "journal.fsync": "always",
    "journal.fsync_interval_s": "0.5",
    "journal.resume_window_s": "0",
    "store.url": "clickhouse://host/db",
    "store.flush_interval_s": "0.1",
    "store.batch": "10",
    "store.bodies_days": "30",
    "store.records_days": "365",
}

FAULTS: list[tuple[str, str]] = [
    ("prt = 1", "there is no setting 'prt'; did you mean 'port'?"),
    ("[limits]\nidle_timeout = 1", "no setting 'limits.idle_timeout'; did you mean"),
    ("[limits.more]\na = 1", "there is no setting 'limits.more'"),
    ("port = '80'", "port must be a whole number from 0 to 65535, not '80'"),
    ("port = 70000", "port must be a whole number from 0 to 65535, not 70000"),
    ("[port]\na = 1", "port must be a whole number from 0 to 65535, not {'a': 1}"),
    ("workers = 0", "workers must be a whole number from 1 to 256, not 0"),
    ("node = 'a-b'", "node must be text that matches"),
    ("limits = 3", "limits is a section, write [limits]; not 3"),
    ("[limits]\nidle_timeout_s = -1", "limits.idle_timeout_s must be a number over 0, not -1"),
    ("[limits]\nidle_timeout_s = inf", "limits.idle_timeout_s must be a number over 0, not inf"),
    ("[limits]\nidle_timeout_s = nan", "limits.idle_timeout_s must be a number over 0, not nan"),
    ("[journal]\nfsync = 'no'", "journal.fsync must be interval or always, not 'no'"),
    ("allow_remote = 1", "allow_remote must be true or false, not 1"),
    ("allowed_targets = 'http://a'", "allowed_targets must be a list of texts, not 'http://a'"),
    ("providers = 3", 'providers must be a table of NAME = "URL"'),
    ("[providers]\nx = 5", 'provider "x" must be a URL, or a table'),
    ("[providers.x]\nurl = 'http://a'\nkey = 'b'", 'provider "x" must be a URL, or a table'),
    ("[providers]\nx = 'a'", "provider \"x\": 'a' must begin with http:// or https://"),
    ("a = = b", "is not TOML: "),
]

URLS = {
    "foo": "must begin with http",
    "ftp://host": "must begin with http",
    "http://": "has no host",
    "http://[::1": "is not a URL",
    "http://host:99999": "is not a URL",
    "http://host:0": "has a port that no one can listen on",
    "http://host/ path": "has characters that no URL has",
    "http://höst": "has characters that no URL has",
    "http://user:hunter2@host": "must not hold credentials",
    "http://host/?key=1": "must not have a query",
    "http://host/#top": "must not have a query",
    "http://host?": "must not have a query",
    "http://{who}.host": "may have one placeholder",
    "http://{region}.{resource}.host": "may have one placeholder",
    "http://host/}": "has a brace too many",
}


def written(folder: Path, text: str) -> Path:
    file = folder / "gauge.toml"
    file.write_text(text)
    return file


def value_of(settings: Settings, name: str) -> Any:
    section, _, key = name.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, key)


# -- the table -------------------------------------------------------------------------------


def test_every_setting_says_what_it_is_for_and_what_it_may_be():
    """The table feeds help, messages and docs; each line has its words and an example here."""
    assert all(one.description.endswith(".") and one.allowed for one in NAMES.values())
    assert NAMES.keys() == OTHERS.keys()


def test_nothing_given_is_the_table():
    """Every default, and the built-in providers."""
    settings = load(environment={})
    assert {name: value_of(settings, name) for name in NAMES} == {
        name: one.default for name, one in NAMES.items()
    }
    assert {name: one.url for name, one in settings.providers.items()} == BUILT_IN_PROVIDERS


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_can_be_set_in_the_environment_and_on_the_command_line(name):
    """The same text gives the same value, and it is not the default."""
    setting = NAMES[name]
    from_environment = load(environment={setting.environment: OTHERS[name]})
    from_command = load(environment={}, overrides={name: OTHERS[name]})
    assert from_environment == from_command
    assert value_of(from_command, name) != setting.default


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_can_be_set_in_the_file(name, tmp_path):
    """With its own type, in its own section."""
    expected = load(environment={}, overrides={name: OTHERS[name]})
    section, _, key = name.rpartition(".")
    value = msgspec.json.encode(value_of(expected, name)).decode()
    text = f"[{section}]\n{key} = {value}" if section else f"{key} = {value}"
    assert load(written(tmp_path, text), environment={}) == expected


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path):
    """Three places, three settings, one winner each."""
    file = written(tmp_path, "port = 1\nworkers = 1\nnode = 'file'")
    environment = {"STREAMGAUGE_PORT": "2", "STREAMGAUGE_WORKERS": "2"}
    settings = load(file, environment=environment, overrides={"port": 3})
    assert (settings.port, settings.workers, settings.node) == (3, 2, "file")


def test_settings_reach_the_other_processes_as_they_are():
    """They travel as one line of JSON."""
    everything = load(environment={}, overrides=OTHERS)
    line = msgspec.json.encode(everything)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Settings) == everything


# -- providers -------------------------------------------------------------------------------


def test_providers_are_added_and_replaced(tmp_path):
    """In the file as text or table, on the command line as pairs; the command line wins."""
    file = written(
        tmp_path,
        "[providers]\nmine = 'http://10.0.0.1:8000/base'\n[providers.groq]\nurl = 'http://g'",
    )
    settings = load(file, environment={}, providers={"groq": "http://h", "vllm": "http://v"})
    urls = {name: one.url for name, one in settings.providers.items()}
    mine = {"mine": "http://10.0.0.1:8000/base", "groq": "http://h", "vllm": "http://v"}
    assert urls == BUILT_IN_PROVIDERS | mine


@pytest.mark.parametrize("name", [*sorted(RESERVED), "", "API", "a.b", "a/b", "-a", "a" * 64, "ä"])
def test_a_name_that_cannot_be_the_first_segment_of_a_path_is_refused(name):
    """Our own paths, and what no path segment should be."""
    with pytest.raises(ConfigurationError, match=f'^provider "{name}": '):
        load(environment={}, providers={name: "http://host"})


def test_no_provider_can_hide_what_is_ours(product):
    """Every first segment that the API and the page answer is reserved.

    But for Anthropic's, whose one path that is ours the routes take from it.
    """
    described = product.http.get("/api/v1/openapi.json").json()["paths"]
    page = product.http.get("/").text
    ours = [*described, *re.findall(r'(?:src|href)="(/[^"]+)"', page)]
    assert {path.split("/")[1] for path in ours} - {"anthropic"} <= RESERVED


@pytest.mark.parametrize(("url", "fault"), URLS.items())
def test_a_url_that_cannot_be_a_base_is_refused(url, fault):
    """With the provider's name, and never with a password."""
    with pytest.raises(ConfigurationError) as raised:
        load(environment={}, providers={"mine": url})
    assert str(raised.value).startswith('provider "mine": ')
    assert fault in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert fault in (url_fault(url) or "")


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:8443/base/path", "http://[::1]:80", "https://{resource}.h/base"]
)
def test_a_url_that_can_be_a_base_is_taken(url):
    """Ports, paths, IPv6 and one placeholder."""
    assert url_fault(url) is None


def test_the_default_provider_must_exist():
    """Otherwise /v1 would lead nowhere."""
    with pytest.raises(
        ConfigurationError, match="default_provider: there is no provider or route 'nobody'"
    ):
        load(environment={}, overrides={"default_provider": "nobody"})


def test_a_route_has_targets(tmp_path):
    """In their order, with what is different there."""
    config = tmp_path / "streamgauge.toml"
    config.write_text(
        '[routes.chat]\ntargets = [{ provider = "openai" }, '
        '{ provider = "groq", model = "llama", key_env = "GROQ_API_KEY" }]\n'
        "retries = 2\nhold = true\nfirst_token_timeout_s = 10\n"
    )
    route = load(config, environment={}).routes["chat"]
    assert [one.provider for one in route.targets] == ["openai", "groq"]
    assert (route.targets[1].model, route.targets[1].key_env) == ("llama", "GROQ_API_KEY")
    assert (route.retries, route.hold, route.first_token_timeout_s) == (2, True, 10)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("routes = 1", "routes must be tables"),
        ("[routes.chat]\n", 'route "chat".*targets'),
        ("[routes.chat]\ntargets = []\n", 'route "chat".*targets'),
        ('[routes.chat]\ntargets = [{ provider = "nobody" }]\n', "no provider 'nobody'"),
        ('[routes.chat]\ntargets = [{ provider = "azure" }]\n', "placeholder"),
        ('[routes.openai]\ntargets = [{ provider = "groq" }]\n', "a provider of that name"),
        ('[routes.v1]\ntargets = [{ provider = "groq" }]\n', "a path of Streamgauge itself"),
        ('[routes.c]\ntargets = [{ provider = "groq", key = "sk" }]\n', 'route "c".*`key`'),
        ('[routes.c]\ntargets = [{ provider = "groq" }]\nretries = 99\n', "retries"),
    ],
)
def test_a_route_that_cannot_be_is_refused(toml, words, tmp_path):
    """In one line that says what is allowed."""
    config = tmp_path / "streamgauge.toml"
    config.write_text(toml)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load(config, environment={})
    assert "\n" not in str(caught.value)


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_a_fault_in_the_file_names_the_file_and_what_is_allowed(text, fault, tmp_path):
    """In one line."""
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as raised:
        load(file, environment={})
    assert fault in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Missing, or a folder."""
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "missing.toml", environment={})
    with pytest.raises(ConfigurationError, match="cannot read"):
        load(tmp_path, environment={})


def test_a_fault_in_the_environment_names_the_variable():
    """Not the setting, which stands nowhere in sight."""
    with pytest.raises(ConfigurationError, match=r"^STREAMGAUGE_STORE_BATCH must be .*not 'many'"):
        load(environment={"STREAMGAUGE_STORE_BATCH": "many"})


def test_variables_that_are_no_settings_are_left_alone():
    """Kubernetes sets STREAMGAUGE_SERVICE_HOST for a service called streamgauge."""
    strange = {"STREAMGAUGE_SERVICE_HOST": "10.0.0.1", "STREAMGAUGE_PORT_4284_TCP_PORT": "4284"}
    assert load(environment=strange) == load(environment={})


def test_an_unknown_override_is_refused():
    """`--set` takes the names of the table."""
    with pytest.raises(ConfigurationError, match=r"no setting 'limits\.x'"):
        load(environment={}, overrides={"limits.x": "1"})


# -- who may reach it ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "127.example.com"])
def test_an_address_for_others_needs_keys_or_consent(host):
    """What else guards the port knows who may."""
    assert not is_loopback(host)
    settings = load(environment={}, overrides={"host": host})
    assert (settings.needs_keys, settings.is_local) == (True, False)
    settings = load(environment={}, overrides={"host": host, "allow_remote": True})
    assert (settings.needs_keys, settings.is_local) == (False, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_an_address_of_this_machine_needs_none(host):
    """Loopback in all its spellings; but others may come through what guards it."""
    settings = load(environment={}, overrides={"host": host})
    assert (settings.needs_keys, settings.is_local) == (False, True)
    settings = load(environment={}, overrides={"host": host, "allow_remote": True})
    assert (settings.needs_keys, settings.is_local) == (False, False)


# -- folders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("temporary", ["/tmp", "/tmp/" + "x" * 100])
def test_sockets_have_short_paths_however_deep_the_data_lies(temporary, tmp_path, monkeypatch):
    """A Unix socket's path has 104 bytes on macOS; two folders never share a socket."""
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    deep = [tmp_path / ("x" * 100) / name for name in "ab"]
    made = [load(environment={}, overrides={"data": str(one)}) for one in (tmp_path, *deep)]
    assert all(len(str(one.api_socket)) < 104 for one in made)
    assert all(len(str(one.wake_socket)) < 104 for one in made)
    assert len({one.api_socket for one in made}) == 3


def test_the_store_is_in_the_data_folder_unless_told_otherwise(tmp_path):
    """chDB by its absolute path, since processes may have other working folders."""
    data = load(environment={}, overrides={"data": str(tmp_path)})
    assert data.store_url == f"chdb://{tmp_path / 'store'}"
    other = load(environment={}, overrides={"store.url": "clickhouse://h/d"})
    assert other.store_url == "clickhouse://h/d"


def test_the_home_folder_may_be_written_as_in_a_shell():
    """A TOML file has no shell that would do it."""
    assert load(environment={}, overrides={"data": "~/gauge"}).data_dir == Path.home() / "gauge"


def test_prices_of_ones_own_are_tables_of_the_file(tmp_path):
    """As many as one likes."""
    file = tmp_path / "streamgauge.toml"
    file.write_text(
        '[[prices]]\nmodel = "our-*"\ninput = 1\noutput = 2.5\n'
        '[[prices]]\nmodel = "x"\nprovider = "vllm"\ninput = 0\noutput = 0\nreasoning = 3\n'
    )
    ours, free = load(file, environment={}).prices
    assert (ours.model, ours.input, ours.output, ours.cached_input) == ("our-*", 1, 2.5, None)
    assert (free.provider, free.reasoning) == ("vllm", 3)


@pytest.mark.parametrize(
    "table",
    [
        'model = "x"\ninput = 1',
        'model = "x"\ninput = -1\noutput = 2',
        'model = "x"\ninput = 1\noutput = "2"',
        'model = "x"\ninput = 1\noutput = 2\nimages = 3',
        'model = ""\ninput = 1\noutput = 2',
    ],
)
def test_a_bad_price_is_one_line_that_names_it(tmp_path, table):
    """Its number, what is wrong, what it may have."""
    file = tmp_path / "streamgauge.toml"
    file.write_text(f'[[prices]]\nmodel = "a"\ninput = 1\noutput = 1\n[[prices]]\n{table}\n')
    with pytest.raises(ConfigurationError, match=r"prices, table 2: .*cached_input") as failed:
        load(file, environment={})
    assert "\n" not in str(failed.value)


def test_rules_of_privacy_are_tables_of_the_file(tmp_path):
    """As many as one likes, and they reach the recorder."""
    file = tmp_path / "streamgauge.toml"
    file.write_text(
        "[[privacy]]\nprovider = 'openai'\npath = '/v1/*'\nomit_response = true\n"
        "[[privacy]]\nproperties = { team = 'hr' }\nredact = ['[a-z]+@', '\\d{16}']\n"
    )
    settings = load(file, environment={})
    openai, team = settings.privacy
    assert (openai.provider, openai.path, openai.properties) == ("openai", "/v1/*", {})
    assert (openai.omit_request, openai.omit_response, openai.redact) == (False, True, [])
    assert (team.provider, team.path, team.properties) == ("*", "*", {"team": "hr"})
    assert team.redact == ["[a-z]+@", r"\d{16}"]
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("redact = ['(']", r"'\(' is no regular expression of RE2: missing \)"),
        ("redact = ['a', '(?<=b)c']", "RE2: invalid perl operator"),
        ("redact = ['x*']", "'x\\*' matches where there is nothing"),
        ("redact = 'x'", "Expected `array`"),
        ("redact = [1]", "Expected `str`"),
        ("omit_request = 'yes'", "Expected `bool`"),
        ("omit_requests = true", "omit_requests"),
        ("provider = 'openai'", "it leaves nothing out"),
    ],
)
def test_a_bad_rule_of_privacy_is_one_line_that_names_it(tmp_path, rule, why):
    """Its number, and what is wrong; nothing starts that would keep what should be left out."""
    file = tmp_path / "streamgauge.toml"
    file.write_text(f"[[privacy]]\nomit_request = true\n[[privacy]]\n{rule}\n")
    with pytest.raises(ConfigurationError, match=f"privacy, table 2: .*{why}") as failed:
        load(file, environment={})
    assert "\n" not in str(failed.value)


def test_rules_of_privacy_that_are_no_list_are_refused(tmp_path):
    """One pair of brackets too few."""
    file = tmp_path / "streamgauge.toml"
    file.write_text("[privacy]\nomit_request = true\n")
    with pytest.raises(ConfigurationError, match=r"a list of tables: \[\[privacy\]\]"):
        load(file, environment={})
