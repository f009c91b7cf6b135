//! Whom an address stands for: one machine, one household, one network. Each is counted apart, because one person
//! has as many IPv6 addresses as they like, and a whole office may share one of IPv4 (C24, C34).

use std::net::{IpAddr, Ipv6Addr};

/// A part of the address space that is counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// The address with every bit after the prefix 0; IPv4 as its mapped form.
    network: u128,
    /// Bits of the prefix, of 128.
    bits: u8,
}

/// Bits before an IPv4 address in its mapped form.
const MAPPED: u8 = 96;

/// The prefixes of an address, narrowest first, and how many times as much each may do as the narrowest:
/// /32 and /24 of IPv4; /64, /56 and /48 of IPv6.
pub fn prefixes(address: IpAddr) -> impl Iterator<Item = (Prefix, u32)> {
    let (mapped, table): (Ipv6Addr, &[(u8, u32)]) = match address.to_canonical() {
        IpAddr::V4(address) => (address.to_ipv6_mapped(), &[(MAPPED + 32, 1), (MAPPED + 24, 8)]),
        IpAddr::V6(address) => (address, &[(64, 1), (56, 4), (48, 16)]),
    };
    let all = mapped.to_bits();
    table.iter().map(move |(bits, times)| {
        let network = all & (u128::MAX << (128 - u32::from(*bits)));
        (Prefix { network, bits: *bits }, *times)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Prefix> {
        prefixes(text.parse().unwrap()).map(|(prefix, _)| prefix).collect()
    }

    /// C24: however many addresses someone takes from their own network, they are counted together.
    #[test]
    fn addresses_of_one_network_share_its_prefix() {
        // (one, other, how many of their prefixes are the same)
        let table = [
            ("192.0.2.1", "192.0.2.1", 2),
            ("192.0.2.1", "192.0.2.77", 1),
            ("192.0.2.1", "192.0.3.1", 0),
            ("192.0.2.1", "::ffff:192.0.2.1", 2),
            ("2001:db8::1", "2001:db8::ffff:1", 3),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", 2),
            ("2001:db8:0:100::1", "2001:db8:0:200::1", 1),
            ("2001:db8:1::1", "2001:db8:2::1", 0),
            ("::192.0.2.1", "192.0.2.1", 0),
        ];
        for (one, other, shared) in table {
            let (one_has, other_has) = (of(one), of(other));
            let same = one_has.iter().filter(|prefix| other_has.contains(prefix)).count();
            assert_eq!(same, shared, "{one} and {other}");
        }
    }
}
