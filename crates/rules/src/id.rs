//! Numbers with distinct types, so that a unit is never taken for a user or a time for a count.
//! They are positions inside one ledger; the opaque ids of the wire are made elsewhere.

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// An activity's number in its ledger, from 1.
    ActivityNo(u32)
);
number!(
    /// A ticket type's place in its activity, from 0, in the order of the activity file.
    TypeNo(u16)
);
number!(
    /// A name's number in its ledger, from 1; dense, so that tables may be indexed by it.
    UserNo(u32)
);
number!(
    /// A unit of a ticket type, from 0; unit n carries code n for good.
    UnitNo(u32)
);
number!(
    /// A claim's place in the order of decisions of its activity, from 1, without gaps in the ledger.
    Seq(u32)
);
number!(
    /// A claim's place among the accepted claims of its ticket type, from 1; never reused once durable.
    ClaimNo(u32)
);
number!(
    /// One ownership of a ledger: raised at every start and every recovery, from 1.
    Epoch(u32)
);
number!(
    /// A ledger event's number, from 1, in the order of commit.
    EventNo(u64)
);
number!(
    /// Milliseconds since 1970-01-01T00:00:00Z.
    TimeMs(u64)
);

impl TimeMs {
    /// Whole unix seconds, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The moment `seconds` unix seconds stand for.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }
}
