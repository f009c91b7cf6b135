//! How many descriptors this process may have. Each connection takes one, and the usual soft limit is 1,024.
//! It never stops a start: with too few, connections are refused later, and honestly.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beside those of connections: the ledger's, the listeners', the log's, and connections being refused.
const OTHERS: u64 = 512;

/// Raises the soft limit to the hard one, and says so where that is too little for this many connections.
pub fn raise_limit(connections_max: usize) {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != before.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!(limit = ?before.current, "the limit on open files cannot be raised");
    }
    let Some(limit) = getrlimit(Resource::Nofile).current else { return };
    tracing::debug!(limit, "open files are limited");
    if limit < connections_max as u64 + OTHERS {
        tracing::warn!(limit, connections_max, "the limit on open files is below connections_max");
    }
}
