"""One value of file, environment and flags; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.app.config import Config, ConfigError, Mail, check_exposed, load, parse_listen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "posthouse.toml"
    path.write_text(
        """
        listen = "127.0.0.1:1"
        data = "from-file"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        [limits]
        max_calls_in_request = 3
        [compat]
        lenient_using = true
        [log]
        level = "debug"
        """
    )
    return path


def test_nothing_given_is_the_defaults() -> None:
    assert Config() == load()
    assert ("127.0.0.1", 8080) == load().address
    assert Path("posthouse-data") == load().store_folder


def test_a_file_sets_keys(file: Path) -> None:
    config = load(file)
    assert "from-file" == config.data
    assert ("10.0.0.0/8", "::1") == config.trusted_proxies
    assert 3 == config.limits.max_calls_in_request
    assert config.compat.lenient_using
    assert "debug" == config.log.level
    assert Config().limits.max_size_upload == config.limits.max_size_upload


def test_a_flag_goes_before_the_environment_and_that_before_the_file(file: Path) -> None:
    environment = {"POSTHOUSE_LISTEN": "127.0.0.1:2", "POSTHOUSE_DATA": "from-environment"}
    config = load(file, environment, {"listen": "127.0.0.1:3", "data": None})
    assert ("127.0.0.1:3", "from-environment") == (config.listen, config.data)
    assert 3 == config.limits.max_calls_in_request


def test_the_environment_has_each_key_in_any_type() -> None:
    config = load(
        None,
        {
            "POSTHOUSE_WORKERS": "4",
            "POSTHOUSE_COMPRESS": "false",
            "POSTHOUSE_ORIGINS": "https://a.example, https://b.example",
            "POSTHOUSE_LIMITS_MAX_SIZE_UPLOAD": "5",
            "POSTHOUSE_TLS_CERTIFICATE": "c.pem",
            "POSTHOUSE_TLS_KEY": "k.pem",
            "POSTHOUSE_LOG_JSON": "true",
        },
    )
    assert 4 == config.workers
    assert not config.compress
    assert ("https://a.example", "https://b.example") == config.origins
    assert 5 == config.limits.max_size_upload
    assert ("c.pem", "k.pem") == (config.tls.certificate, config.tls.key)
    assert config.log.json


def test_variables_that_name_no_key_are_passed_over() -> None:
    assert Config() == load(
        None, {"POSTHOUSE_SERVICE_HOST": "10.1.2.3", "POSTHOUSE_PORT": "tcp://10.1.2.3:80"}
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lisen = 'x'", "lisen is no key of the configuration"),
        ("[limits]\nmax_calls = 3", "limits.max_calls is no key of the configuration"),
        ("workers = 'many'", "workers: expected `int`, got `str`"),
        ("workers = '2'", "workers: expected `int`, got `str`"),
        ("[log]\nlevel = 'loud'", "log.level: invalid enum value 'loud'"),
        ("listen = ", "is not TOML"),
    ],
)
def test_a_fault_in_the_file_is_one_line_with_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"x\.toml: cannot be read: No such file"):
        load(tmp_path / "x.toml")


def test_a_fault_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"^POSTHOUSE_WORKERS: workers: expected `int`"):
        load(None, {"POSTHOUSE_WORKERS": "many"})


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"workers": -1}, "workers: must be from 0"),
        ({"workers": 5000}, "workers: must be from 0"),
        ({"store": "postgresql://db/mail"}, "this build has only sqlite:FOLDER"),
        ({"store": "sqlite:"}, "names no folder"),
        ({"public_url": "mail.example.org"}, "is not like https://mail.example.org"),
        ({"trusted_proxies": ["proxy.example.org"]}, "is no address or network"),
        ({"tls": {"certificate": "c.pem"}}, "belong together"),
        ({"smtp": "25"}, "smtp: '25' is not HOST:PORT"),
        ({"smtp": "unix:/x"}, "smtp: 'unix:/x' is not HOST:PORT"),
        ({"submission": "587"}, "submission: '587' is not HOST:PORT"),
        ({"submissions": "unix:/x"}, "submissions: 'unix:/x' is not HOST:PORT"),
        ({"lmtp": "unix:"}, "lmtp: 'unix:' is not unix:PATH"),
        ({"lmtp": "unix:/" + "x" * 107}, "path of at most 107 octets"),
        ({"mail": {"hostname": "mx_1"}}, "mail.hostname: 'mx_1' is not like"),
        ({"mail": {"relays": ["mx.example.org"]}}, "mail.relays: .* is no address or network"),
        ({"mail": {"max_size": 1000}}, "mail.max_size: must be from"),
        ({"limits": {"max_calls_in_request": 0}}, "limits.max_calls_in_request: must be from 1"),
        ({"limits": {"max_size_upload": 2**53}}, "limits.max_size_upload: must be from 1"),
    ],
)
def test_what_makes_no_sense_is_refused(flags: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(flags=flags)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_an_address_to_listen_on_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert address == parse_listen(text)


@pytest.mark.parametrize(
    "text",
    ["", "80", ":80", "host", "host:", "host:http", "::1:80", "host:65536", "host:9" + "9" * 5000, "h:²"],
)
def test_anything_else_to_listen_on_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_listen(text)


@pytest.mark.parametrize("listen", ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80"])
def test_loopback_needs_no_tls(listen: str) -> None:
    check_exposed(Config(listen=listen))


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "mail.example.org:80"])
def test_other_addresses_need_tls_or_a_proxy_that_has_it(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"needs TLS: set tls\.certificate"):
        check_exposed(Config(listen=listen))
    check_exposed(load(flags={"listen": listen, "trusted_proxies": ["10.0.0.1"]}))
    check_exposed(load(flags={"listen": listen, "tls": {"certificate": "c", "key": "k"}}))


@pytest.mark.parametrize(
    ("url", "folder"),
    [("sqlite:rows", "rows"), ("sqlite:/var/rows", "/var/rows"), ("sqlite:///var/rows", "/var/rows")],
)
def test_rows_may_be_kept_elsewhere(url: str, folder: str) -> None:
    assert Path(folder) == load(flags={"store": url}).store_folder


@pytest.mark.parametrize(
    ("lmtp", "relays", "is_open"),
    [
        ("unix:/run/x", (), True),
        ("127.0.0.1:24", (), True),
        ("0.0.0.0:24", ("10.0.0.0/8",), True),
        ("0.0.0.0:24", (), False),
    ],
)
def test_lmtp_is_open_to_those_alone_who_are_named(lmtp: str, relays: tuple[str, ...], is_open: bool) -> None:
    config = Config(lmtp=lmtp, mail=Mail(relays=relays))
    if is_open:
        check_exposed(config)
    else:
        with pytest.raises(ConfigError, match="whoever reaches"):
            check_exposed(config)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"submission": "0.0.0.0:587"}, r"^submission: 0\.0\.0\.0:587 can be reached from other machines"),
        ({"submissions": "127.0.0.1:465"}, "^submissions: this is TLS from the start: set tls.certificate"),
    ],
)
def test_nobody_signs_in_where_others_could_listen(flags: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        check_exposed(load(flags=flags))
    check_exposed(load(flags={**flags, "tls": {"certificate": "c", "key": "k"}}))
    check_exposed(load(flags={"submission": "[::1]:587"}))
