//! Blocks of addresses, and which of them are proxies whose word about the client is believed.
//! Pure: it reads text and compares addresses, and never fails on what a client sends.

use std::{fmt, net::IpAddr, str::FromStr};

/// A block of addresses, as in `10.0.0.0/8` or `2001:db8::/32`; an address alone is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Not an address, or an address and the number of its leading bits.
    Form,
    /// The address has bits set behind those that count: most likely one of the two is a slip.
    Beyond,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "must be an address or a block of them, as in 10.0.0.0/8",
            Self::Beyond => "has bits set behind its prefix",
        })
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            None => most,
            Some(bits) => Some(bits)
                .filter(digits)
                .and_then(|bits| bits.parse().ok())
                .filter(|bits| *bits <= most)
                .ok_or(NetworkError::Form)?,
        };
        if masked(first, bits) != first {
            return Err(NetworkError::Beyond);
        }
        Ok(Self { first, bits })
    }
}

impl Network {
    /// Whether this address is in the block. An IPv4 address in IPv6's clothes is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.bits) == self.first
    }
}

/// The address with everything behind its first `bits` cleared.
pub fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((four.to_bits() & mask).into())
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((six.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_what_they_say() {
        let table = [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::10.1.2.3", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1", "::1", true),
        ];
        for (block, address, inside) in table {
            let network: Network = block.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{address} in {block}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let table = [
            ("", NetworkError::Form),
            ("localhost", NetworkError::Form),
            ("10.0.0.0/", NetworkError::Form),
            ("10.0.0.0/33", NetworkError::Form),
            ("10.0.0.0/+8", NetworkError::Form),
            ("10.0.0.0/8/8", NetworkError::Form),
            ("::/129", NetworkError::Form),
            ("10.0.0.1/8", NetworkError::Beyond),
            ("2001:db8::1/64", NetworkError::Beyond),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}
