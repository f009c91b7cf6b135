//! How many descriptors this process may have. Each connection takes one, and the usual soft limit is 1,024.
//! It never stops a start: with too few, connections are refused later, and honestly.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beside those of connections: the ledger's, the listeners', the log's, and connections being refused.
const OTHERS: u64 = 512;

/// Fewer connections than this are too few for any crowd, and somebody should know.
const FEW: usize = 4096;

/// Raises the soft limit to the hard one; how many connections, of `connections_max`, it has room for.
pub fn room_for(connections_max: usize) -> usize {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != before.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!(limit = ?before.current, "the limit on open files cannot be raised");
    }
    let Some(limit) = getrlimit(Resource::Nofile).current else { return connections_max };
    let room = usize::try_from(limit.saturating_sub(OTHERS)).unwrap_or(usize::MAX).max(1);
    if room >= connections_max {
        return connections_max;
    }
    if room < FEW {
        tracing::warn!(limit, room, "the limit on open files leaves room for few connections");
    } else {
        tracing::debug!(limit, room, "the limit on open files is below connections_max");
    }
    room
}
