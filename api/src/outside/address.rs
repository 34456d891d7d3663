//! Which addresses are public. What is not known to be public is not: ranges come from the registries of
//! special-purpose addresses (IANA, RFC 6890 and later), and of IPv6 only global unicast counts at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not on the internet, or are nobody's machine there.
const NOT_PUBLIC_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // carrier-grade NAT, and metadata of one cloud
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // metadata of one cloud, inside public space
    ([169, 254, 0, 0], 16),   // link-local, and metadata of most clouds
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 3),      // multicast, reserved, broadcast
];

/// Parts of global unicast IPv6 (2000::/3) that lead elsewhere.
const NOT_PUBLIC_V6: &[([u16; 2], u32)] = &[
    ([0x2001, 0x0000], 23), // protocol assignments, Teredo among them
    ([0x2001, 0x0db8], 32), // documentation
    ([0x2002, 0x0000], 16), // 6to4: an IPv4 address inside
    ([0x3fff, 0x0000], 20), // documentation
];

/// Whether a tenant's address may lead there; to this machine only where that is allowed.
pub(super) fn may_be_called(ip: IpAddr, loopback: bool) -> bool {
    (loopback && ip.is_loopback())
        || match ip {
            IpAddr::V4(ip) => is_public_v4(ip),
            IpAddr::V6(ip) => is_public_v6(ip),
        }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let inside = |(network, bits): &([u8; 4], u32)| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        ip.to_bits() & mask == Ipv4Addr::from_octets(*network).to_bits() & mask
    };
    !NOT_PUBLIC_V4.iter().any(inside)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Outside are loopback, unspecified, mapped and translated IPv4, unique-local, link-local and multicast.
    let head = (ip.to_bits() >> 96) as u32;
    let inside = |([first, second], bits): &([u16; 2], u32)| {
        let network = (u32::from(*first) << 16) | u32::from(*second);
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        head & mask == network & mask
    };
    head >> 29 == 0b001 && !NOT_PUBLIC_V6.iter().any(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_may_be_called() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!may_be_called(text.parse().unwrap(), false), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2400:3200::1",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
        ] {
            assert!(may_be_called(text.parse().unwrap(), false), "{text}");
        }
    }

    #[test]
    fn this_machine_only_where_it_is_allowed() {
        for text in ["127.0.0.1", "::1"] {
            assert!(may_be_called(text.parse().unwrap(), true), "{text}");
        }
        for text in ["10.0.0.1", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1"] {
            assert!(!may_be_called(text.parse().unwrap(), true), "{text}");
        }
    }
}
