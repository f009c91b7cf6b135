//! The edge: what stands between a socket and a request. It bounds how long each part of a conversation may take,
//! refuses what two readers could read in two ways, and knows whose address a request comes from.
//! It answers no request itself, and costs a request no timer, no lock and no allocation.

mod addresses;
mod answerer;
mod conversation;
mod forwarded;
mod knock;
pub mod lengths;
mod networks;
pub mod preamble;
mod settings;
mod short;
mod slot;
mod table;
mod wire;

pub use addresses::{Addresses, Place};
pub use answerer::{Arriving, Caller};
pub use conversation::Conversation;
pub use forwarded::ForwardedHeader;
pub use knock::Knock;
pub use networks::{Network, NetworkError};
pub use settings::EdgeSettings;
pub use short::Short;
pub use slot::Kind;
pub use table::Table;

use std::{fmt, net::IpAddr};

/// Where a request comes from: who connected, or whom a trusted proxy named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
