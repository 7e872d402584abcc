"""URLs that users name, in all the forms that have fooled servers."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.serve.work import target
from posthouse.serve.work.outward import Outward
from posthouse.serve.work.target import Refused


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "origin"),
    [
        ("https://push.example.net", "push.example.net", 443, "/", "https://push.example.net"),
        ("https://push.example.net:443/", "push.example.net", 443, "/", "https://push.example.net"),
        ("https://Push.Example.NET:08443/a", "push.example.net", 8443, "/a", "https://push.example.net:8443"),
        ("https://push.example.net?a=b?c", "push.example.net", 443, "/?a=b?c", "https://push.example.net"),
        (
            "https://a.b/%2e%2E//x;y=1/../z:@!$&'()*+,~",
            "a.b",
            443,
            "/%2e%2E//x;y=1/../z:@!$&'()*+,~",
            "https://a.b",
        ),
        ("https://Bücher.example/", "xn--bcher-kva.example", 443, "/", "https://bücher.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "https://bücher.example"),
        ("https://1.1.1.1/x", "1.1.1.1", 443, "/x", "https://1.1.1.1"),
        ("https://[2606:4700:0::1111]:444/", "2606:4700::1111", 444, "/", "https://[2606:4700::1111]:444"),
        ("https://0xfe.example/", "0xfe.example", 443, "/", "https://0xfe.example"),
    ],
)
def test_a_plain_url_is_read(url: str, host: str, port: int, path: str, origin: str) -> None:
    read = target.read(url)
    assert (host, port, path, origin) == (read.host, read.port, read.path, read.origin)


def test_the_path_of_a_target_is_not_shown() -> None:
    assert "Target(https://a.example)" == f"{target.read('https://a.example/secret')!r}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "http://push.example.net/",
        "HTTPS://push.example.net/",
        "//push.example.net/",
        "ftp://push.example.net/",
        "file:///etc/passwd",
        "https:push.example.net",
        "https:/push.example.net",
        " https://push.example.net/",
        "https://push.example.net/\n",
        "https://push.example.net/ x",
        "https://push.example.net/\r\nHost: x",
        "https://push.example.net/\x00",
        "https://push.example.net/ä",
        "https://push.example.net/%zz",
        "https://push.example.net/%",
        "https://push.example.net/#fragment",
        "https://user@push.example.net/",
        "https://user:password@push.example.net/",
        "https://push.example.net@127.0.0.1/",
        "https://127.0.0.1\\@push.example.net/",
        "https://push.example.net\\.127.0.0.1/",
        "https://push.example.net:/",
        "https://push.example.net:0/",
        "https://push.example.net:65536/",
        "https://push.example.net:443443/",
        "https://push.example.net:-1/",
        "https://push.example.net:443:443/",
        "https://push.example.net:٤٤٣/",
        "https://push.example.net./",
        "https://push.example.net../",
        "https://.push.example.net/",
        "https://push..example.net/",
        "https://-push.example.net/",
        "https://pu_sh.example.net/",
        "https://push%2eexample.net/",
        "https://push.example.net%00.evil/",
        "https://xn--a.example/",
        "https://xn--.example/",
        "https://a\u200bb.example/",
        "https://☃☃.example/",
        "https://{}.example/".format("a" * 64),
        "https://{}example/".format("a." * 130),
        "https://{}.example/".format("ü" * 64),
        "https://push.example.net/" + "a" * 2024,
        "https://" + "a." * 10_000_000,
        "https://127.0.0.1./",
        "https://127.1/",
        "https://127.0.0.01/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://0x7f.0.0.0x1/",
        "https://0X7F000001/",
        "https://0x/",
        "https://2130706433/",
        "https://017700000001/",
        "https://127.0.0.256/",
        "https://1.2.3.4.5/",
        "https://push.example.99/",
        "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
        "https://[::1/",
        "https://::1/",
        "https://[127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[v1.x]/",
        "https://[::ffff:127.1]/",
        "https://[::1]evil/",
        "https://[::1]@push.example.net/",
    ],
    ids=lambda url: ascii(url[:50]),
)
def test_an_odd_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(Refused) as caught:
        target.read(url)
    assert len(str(caught.value)) < 100
    assert "push.example" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.0.0.1:8443/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://127。0。0。1/",
        "https://localhost/",
        "https://intranet/",
        "https://push.example.net:22/",
        "https://push.example.net:25/",
        "https://push.example.net:993/",
        "https://push.example.net:80/",
    ],
)
def test_a_url_that_leads_inside_is_refused_without_a_look_at_the_network(url: str) -> None:
    with pytest.raises(Refused):
        Outward().check(url)


def test_networks_of_the_operator_are_as_good_as_public() -> None:
    outward = Outward(private=[ip_network("127.0.0.0/8"), ip_network("::1/128")])
    for url in (
        "https://127.0.0.9:8443/",
        "https://[::1]/",
        "https://localhost/",
        "https://push.example.net/",
    ):
        outward.check(url)
    for url in ("https://10.0.0.1/", "https://[::2]/"):
        with pytest.raises(Refused):
            outward.check(url)


@given(st.text(alphabet="https://[]@:.%0127xaä。-", max_size=40).map(lambda text: "https://" + text))
def test_any_text_is_read_or_refused(url: str) -> None:
    try:
        read = target.read(url)
    except Refused:
        return
    assert read.host.isascii()
    assert 0 < read.port < 65536
    assert read == target.read(
        f"https://{f'[{read.host}]' if ':' in read.host else read.host}:{read.port}{read.path}"
    )
