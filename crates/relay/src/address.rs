//! Which addresses may be reached: public ones, and those that the configuration names.
//! An address that stands for another one (IPv4 inside IPv6) is judged as that other one, or not reached at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses, as `10.0.0.0/8` or `::1/128`; without a slash it is the one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

/// The text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARange;

impl std::str::FromStr for AddressRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (network, prefix) = text.split_once('/').map_or((text, None), |(n, p)| (n, Some(p)));
        let network: IpAddr = network.parse().map_err(|_| NotARange)?;
        let bits = bits_of(network);
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| NotARange))?;
        if prefix <= bits { Ok(Self { network, prefix }) } else { Err(NotARange) }
    }
}

impl AddressRange {
    /// Whether the address lies within.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => within_v4(network, self.prefix, address),
            (IpAddr::V6(network), IpAddr::V6(address)) => within_v6(network, self.prefix, address),
            _ => false,
        }
    }
}

const fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn within_v4(network: Ipv4Addr, prefix: u8, address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

fn within_v6(network: Ipv6Addr, prefix: u8, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

/// IPv4 ranges that are not public, from IANA's register of addresses with a special purpose.
const SPECIAL_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The one block of IPv6 from which public addresses come. What translates to IPv4 (`64:ff9b::/96`), local, unique
/// local and multicast addresses all lie outside.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Ranges within it that are not public: tunnels to IPv4 (Teredo, 6to4), identifiers, documentation.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(network, prefix)| within_v4(Ipv4Addr::from(*network), *prefix, address)),
        IpAddr::V6(address) => {
            within_v6(PUBLIC_V6.0, PUBLIC_V6.1, address)
                && !SPECIAL_V6.iter().any(|(network, prefix)| within_v6(*network, *prefix, address))
        }
    }
}

/// Whether an address may be reached: it is public, or the configuration names it.
pub fn may_reach(address: IpAddr, reachable: &[AddressRange]) -> bool {
    let address = address.to_canonical();
    is_public(address) || reachable.iter().any(|range| range.holds(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        let table = [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("172.15.255.255", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.7", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700:4700::1111", true),
            ("2a00:1450::1", true),
            ("::", false),
            ("::1", false),
            ("::7f00:1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:20::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fdff:ffff::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ];
        for (address, public) in table {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(is_public(address), public, "{address}");
            assert_eq!(may_reach(address, &[]), public, "{address}");
        }
    }

    #[test]
    fn an_inside_address_is_reached_where_the_configuration_names_it() {
        let ranges = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].map(|text| text.parse().unwrap());
        let table = [
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("11.0.0.1", true),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("fd12::1", true),
            ("fc00::1", false),
        ];
        for (address, reached) in table {
            assert_eq!(may_reach(address.parse().unwrap(), &ranges), reached, "{address}");
        }
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/x", "localhost", "/8"] {
            assert_eq!(text.parse::<AddressRange>(), Err(NotARange), "{text}");
        }
        assert!("0.0.0.0/0".parse::<AddressRange>().unwrap().holds("9.9.9.9".parse().unwrap()));
        assert!("::/0".parse::<AddressRange>().unwrap().holds("fe80::1".parse().unwrap()));
    }
}
