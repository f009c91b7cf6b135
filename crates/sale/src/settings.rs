//! The bounds of a sale that an operator may change, with their units and defaults.
//! None of them can weaken a promise: they only trade waiting against work.

/// Settings of the use cases; see `default.toml` of the binary for what each means to an operator.
#[derive(Clone, Copy, Debug)]
pub struct SaleSettings {
    /// Threads that answer requests; each wakes its own waiters.
    pub cores: usize,
    /// Microseconds from the start of one commit to the start of the next while claims keep coming.
    pub commit_interval_us: u64,
    /// Milliseconds a reply waits for the disk before it says "queued", or "busy" for a refusal.
    pub answer_within_ms: u64,
    /// Milliseconds between two recordings of people's parts.
    pub parts_interval_ms: u64,
    /// Parts recorded in one transaction, so that claims never wait long behind them.
    pub parts_batch_max: usize,
    /// Audit entries of reading calls that wait to be written; one more is written at once.
    pub audit_queue_max: usize,
    /// Milliseconds an export waits for what was decided before it.
    pub settle_within_ms: u64,
    /// Milliseconds after an order's deadline in which it can still be paid: what was sent in time arrives in it.
    pub grace_ms: u64,
    /// Unpaid orders that expire in one step of the writer, so that claims never wait long behind them.
    pub expire_batch_max: usize,
    /// Changes of orders that wait for the writer; one more is turned away.
    pub changes_queue_max: usize,
    /// Milliseconds by which one downtime moves deadlines, at most.
    pub downtime_max_ms: u64,
    /// Milliseconds between two questions to a provider about an order that is not paid yet.
    pub ask_after_ms: u64,
    /// Milliseconds after the first attempt to give money back until the second; doubled by every further one, up to
    /// an hour.
    pub refund_retry_ms: u64,
}

impl Default for SaleSettings {
    fn default() -> Self {
        Self {
            cores: 1,
            commit_interval_us: 1000,
            answer_within_ms: 2_000,
            parts_interval_ms: 100,
            parts_batch_max: 500,
            audit_queue_max: 1_000,
            settle_within_ms: 30_000,
            grace_ms: 15_000,
            expire_batch_max: 500,
            changes_queue_max: 10_000,
            downtime_max_ms: 24 * 60 * 60 * 1_000,
            ask_after_ms: 30_000,
            refund_retry_ms: 1_000,
        }
    }
}
