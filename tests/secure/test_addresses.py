import ipaddress

import pytest

from groundwork.secure.addresses import parse_address, parse_network, why_refused

REFUSED = """127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200 0.0.0.0 0.1.2.3
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 168.63.129.16 192.0.0.192
:: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1 2002:7f00:1::1 2002:c0a8:101:: 2001:0:4136:e378:8000:63bf:80ff:fffe fec0::1""".split()  # noqa: SIM905
PUBLIC = "8.8.8.8 1.1.1.1 172.32.0.1 193.99.144.80 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1".split()  # noqa: SIM905


@pytest.mark.parametrize("text", REFUSED)
def test_addresses_that_are_not_public_are_refused_in_every_form(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert why_refused(address)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_not(text: str) -> None:
    assert why_refused(ipaddress.ip_address(text)) == ""


def test_a_network_that_is_allowed_is_allowed_and_its_neighbours_are_not() -> None:
    allow = (parse_network("10.1.0.0/16"), parse_network("127.0.0.1"))
    assert why_refused(ipaddress.ip_address("10.1.2.3"), allow) == ""
    assert why_refused(ipaddress.ip_address("::ffff:10.1.2.3"), allow) == ""
    assert why_refused(ipaddress.ip_address("127.0.0.1"), allow) == ""
    assert why_refused(ipaddress.ip_address("10.2.0.1"), allow)
    assert why_refused(ipaddress.ip_address("127.0.0.2"), allow)


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/8/8", "10.1.2.3/8", "1.2.3"])
def test_what_is_no_network_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="no network"):
        parse_network(text)
