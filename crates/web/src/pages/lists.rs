//! What the lists of what somebody has share: where a page of one begins. Newest first, and a page goes on after the
//! last entry of the one before, so that whatever is added meanwhile moves nothing.

use crate::{cold::Asked, envelope::Problem};
use sale::Position;

/// Where a page begins: after the entry that the address names, as `read` understands it, or with the newest.
pub fn begins(
    asked: &Asked,
    read: impl FnOnce(&str) -> Option<Position>,
) -> Result<Position, Problem> {
    match asked.params()?.get("after") {
        None => Ok(Position::Skip(0)),
        Some(text) => read(text).ok_or(Problem::NotFound("after")),
    }
}
