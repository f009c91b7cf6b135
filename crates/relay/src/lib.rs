//! Facts of sales on their way out: numbered when they leave, sent to endpoints in order, at least once.
//! Nothing here decides anything about a sale, and nothing of a sale waits for it.

mod address;
mod attempt;
mod backoff;
mod body;
mod catalog;
mod connection;
mod courier;
mod desk;
mod destination;
mod kind;
mod pages;
mod recorder;
mod resolver;
mod settings;
mod shared;
mod shift;
mod signature;
mod supervisor;
mod tls;

pub use address::{AddressRange, NotARange, is_public, may_reach};
pub use body::{EventBody, OrderIds};
pub use desk::{Added, Events, NewWebhook, Relay, RelayFault, StartFault};
pub use destination::UrlRefused;
pub use kind::FactKind;
pub use resolver::{Resolve, Resolving, SystemResolver};
pub use settings::{RelaySettings, SettingRefused};
pub use shared::{Counts, Parts};
pub use signature::{SECRET_BYTES, secret_bytes, secret_text, sign};
