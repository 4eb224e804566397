"""Which addresses of the network a document may be fetched from: public ones. A server's own network is not for a page to reach.

Source for what is public: the IANA registries of special-purpose addresses (RFC 6890), as Python's `ipaddress` keeps them, and the forms in
which an IPv6 address carries an IPv4 one.
"""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put it (RFC 6052)."""
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
"""Private before there was fc00::/7, and still in use."""
_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
"""Services of clouds for their own machines; the usual 169.254.169.254 is link-local anyway."""


def parse_address(text: str) -> Address | None:
    """An address from its usual form, with or without the zone of a link; None where it is none."""
    try:
        return ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None


def parse_network(text: str) -> Network:
    """A network, `10.1.0.0/16`, or a single address. Raises ValueError with a sentence."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no network: write it like '10.1.0.0/16'") from None


def why_refused(address: Address, allow: Sequence[Network] = ()) -> str:
    """Why nothing may be fetched from an address; empty where it may. `allow` names networks that may be in spite of what they are."""
    inner = embedded(address)
    if inner is not None:
        return why_refused(inner, allow)
    if any(address in network for network in allow if network.version == address.version):
        return ""
    if address in _METADATA:
        return "a cloud's own service"
    if address.is_loopback:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or address.is_reserved:
        return "a reserved address"
    return "" if address.is_global and address not in _SITE_LOCAL else "a private address"


def embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for (mapped, translated, 6to4, Teredo); None where it stands for itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
