//! How many connections each address has, where that is bounded. Nothing is kept of an address that has none,
//! and nothing is counted where there is no bound.

use super::networks::masked;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

/// Leading bits of an IPv6 address that one household or server has for itself (C24).
const SIX_BITS: u8 = 64;

/// Connections by address.
#[derive(Debug)]
pub struct Addresses {
    /// Connections of one address at most; 0: as many as there are.
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among those of its address; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// Nobody is here.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// A place for one more connection of this address; an error where it has as many as it may have, and nothing
    /// where nobody counts.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Option<Place>, TooMany> {
        if self.most == 0 {
            return Ok(None);
        }
        let address = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(_) => masked(address, SIX_BITS),
        };
        let mut open = self.open.lock();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Place { addresses: Arc::clone(self), address }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock();
        if let Entry::Occupied(mut entry) = open.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// This address has as many connections as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_number_of_places_and_gets_them_back() {
        let addresses = Addresses::new(2);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let second = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), TooMany);
        let other = enter("192.0.2.2").unwrap();
        drop(first);
        let third = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), TooMany);
        drop((second, third, other));
        assert!(addresses.open.lock().is_empty());
    }

    /// C24: one person has all of a /64.
    #[test]
    fn addresses_of_one_64_share_their_places() {
        let addresses = Addresses::new(1);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let _one = enter("2001:db8::1").unwrap();
        assert_eq!(enter("2001:db8::2").unwrap_err(), TooMany);
        assert!(enter("2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn without_a_bound_nobody_counts() {
        let addresses = Addresses::new(0);
        assert!(addresses.enter("192.0.2.1".parse().unwrap()).unwrap().is_none());
        assert!(addresses.open.lock().is_empty());
    }
}
