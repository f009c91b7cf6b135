//! The bounds of what one ledger holds. They protect number types and memory; the bounds an
//! operator may want to change are in the configuration instead.

/// Activities in one ledger.
pub const ACTIVITIES_MAX: u32 = 100_000;
/// Ticket types in one activity.
pub const TYPES_MAX: u16 = 100;
/// Units ever made of one ticket type.
pub const UNITS_MAX: u32 = 10_000_000;
/// Claims ever accepted in one activity.
pub const CLAIMS_MAX: u32 = 1_000_000_000;
/// Units one person may have of one type or one activity.
pub const LIMIT_PER_USER_MAX: u32 = 10_000;
/// Units of one person's cancelled and expired orders in one activity, after which it gives them nothing more.
pub const ENDED_LINES_MAX: u32 = 1_000;
/// Units in one request.
pub const BASKET_UNITS_MAX: u8 = 100;
/// Names in one ledger.
pub const USERS_MAX: u32 = 100_000_000;
/// Bytes of an id of an activity or a ticket type.
pub const ID_BYTES_MAX: usize = 64;
/// Bytes of a name of a person, an activity or a ticket type.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of a description.
pub const DESC_BYTES_MAX: usize = 16_384;
/// Bytes of an image address.
pub const IMAGE_BYTES_MAX: usize = 2_048;
/// Bytes of one redemption code.
pub const CODE_BYTES_MAX: usize = 256;
/// Characters of an Idempotency-Key.
pub const KEY_CHARS_MAX: usize = 64;

// A unit's and a claim's number never leave their types, and a type's number fits its own.
const _: () = assert!(UNITS_MAX < u32::MAX && CLAIMS_MAX < u32::MAX && TYPES_MAX < u16::MAX);
