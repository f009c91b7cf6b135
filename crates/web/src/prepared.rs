//! The parts of answers that only change when an operator changes a definition: texts and times, as JSON.
//! Counts, states and codes are never in here.

use crate::{json, pages::PublicPage};
use sale::{
    Activity, Catalog, Entry, IdText, OrderState, Recorded, TicketType, TimeMs, TypeCounts,
    UnitKind,
};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// The prepared parts of one activity.
pub struct PreparedActivity {
    /// The activity.
    pub entry: Arc<Entry>,
    /// `"id":…,"name":…` up to the end time: what lists and details begin with.
    head: Vec<u8>,
    types: Vec<PreparedType>,
    /// Its page for people, made when somebody asks for it: English, then Chinese.
    pub page: [OnceLock<PublicPage>; 2],
}

/// The prepared parts of one ticket type.
struct PreparedType {
    /// In a detail: `"id":…` up to `limit_per_user`.
    head: Vec<u8>,
    /// In a detail: the window.
    times: Vec<u8>,
    /// In a ticket record: name, desc and image.
    texts: Vec<u8>,
    /// In a ticket record: `act_id` and `type_id`.
    ids: Vec<u8>,
    /// In a ticket record: the validity.
    validity: Vec<u8>,
}

/// The prepared parts of all activities of one catalog.
pub struct Prepared {
    /// The catalog's version.
    pub version: u64,
    by_id: HashMap<String, Arc<PreparedActivity>>,
    /// Soonest first, then by id.
    pub sorted: Vec<Arc<PreparedActivity>>,
    /// The starts and ends of all windows, in order.
    boundaries: Vec<TimeMs>,
}

impl Prepared {
    /// Prepares a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let act = |entry: &Arc<Entry>| Arc::new(PreparedActivity::new(Arc::clone(entry)));
        let sorted: Vec<Arc<PreparedActivity>> = catalog.sorted().iter().map(act).collect();
        let id = |act: &Arc<PreparedActivity>| (act.entry.activity.id.clone(), Arc::clone(act));
        let windows = sorted.iter().map(|act| act.entry.activity.window);
        let mut boundaries: Vec<TimeMs> =
            windows.flat_map(|window| [window.start(), window.end()]).collect();
        boundaries.sort_unstable();
        let by_id = sorted.iter().map(id).collect();
        Self { version: catalog.version, by_id, sorted, boundaries }
    }

    /// The first moment after `now` at which an activity's window begins or ends.
    pub fn next_boundary(&self, now: TimeMs) -> TimeMs {
        let next = self.boundaries.partition_point(|boundary| *boundary <= now);
        self.boundaries.get(next).copied().unwrap_or(TimeMs(u64::MAX))
    }

    /// The activity with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<PreparedActivity>> {
        self.by_id.get(id)
    }
}

impl PreparedActivity {
    fn new(entry: Arc<Entry>) -> Self {
        let activity = &entry.activity;
        let mut head = Vec::new();
        let out = &mut head;
        out.push(b'{');
        json::field(out, "id", &activity.id);
        json::field(out, "name", &activity.name);
        json::field(out, "desc", &activity.desc);
        json::field(out, "image", &activity.image);
        json::field(out, "start_time", &activity.window.start().seconds());
        json::field(out, "end_time", &activity.window.end().seconds());
        let types = activity.types.iter().map(|kind| PreparedType::new(activity, kind)).collect();
        Self { entry, head, types, page: [const { OnceLock::new() }; 2] }
    }

    /// Appends the open object that lists and details begin with.
    pub fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
    }

    /// Appends one ticket type of a detail.
    pub fn ticket_type(&self, out: &mut Vec<u8>, index: usize, counts: &TypeCounts) {
        let prepared = &self.types[index];
        out.extend_from_slice(&prepared.head);
        json::field(out, "total", &counts.supply.total);
        json::field(out, "left", &counts.supply.available);
        json::field(out, "held", &counts.supply.held);
        json::field(out, "standby", &self.entry.activity.standby);
        json::field(out, "waiting", &counts.waiting);
        out.extend_from_slice(&prepared.times);
    }

    /// Appends the fields of a ticket record without the braces around them; `order` is the id of its order.
    pub fn ticket_fields(
        &self,
        out: &mut Vec<u8>,
        order: &IdText,
        line: &Recorded,
        now: TimeMs,
    ) -> Effective {
        let claim = &line.claim;
        let index = usize::from(claim.ticket_type.0);
        let (prepared, kind) = (&self.types[index], &self.entry.activity.types[index]);
        let state = TicketState::of(line.state);
        let effective = Effective(state == TicketState::Valid && kind.validity.holds(now));
        json::key(out, "id");
        out.push(b'"');
        out.extend_from_slice(order.as_str().as_bytes());
        out.push(b'-');
        json::value(out, &(u32::from(claim.line) + 1));
        out.push(b'"');
        out.extend_from_slice(&prepared.texts);
        json::key(out, "code");
        let code = |code: &str| json::value(out, code);
        if kind.kind == UnitKind::Plain || self.entry.with_code(line, code).is_none() {
            out.extend_from_slice(b"null");
        }
        out.extend_from_slice(&prepared.ids);
        json::field(out, "is_effective", &effective.0);
        out.extend_from_slice(&prepared.validity);
        json::field(out, "state", state.name());
        json::field(out, "claim_no", &claim.claim_no.0);
        effective
    }

    /// Appends a ticket record; `order` is the id of its order.
    pub fn ticket(&self, out: &mut Vec<u8>, order: &IdText, line: &Recorded, now: TimeMs) {
        out.push(b'{');
        self.ticket_fields(out, order, line, now);
        out.push(b'}');
    }
}

/// How a ticket stands: what its order's state is to whoever holds it. The names are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// Its order is not paid yet.
    Held,
    /// It is good.
    Valid,
    /// Its order is over.
    Void,
}

impl TicketState {
    /// That of the tickets of an order in this state.
    pub const fn of(order: OrderState) -> Self {
        match order {
            OrderState::Held => Self::Held,
            OrderState::Paid => Self::Valid,
            OrderState::Cancelled
            | OrderState::Expired
            | OrderState::RefundDue
            | OrderState::Refunded => Self::Void,
        }
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Valid => "valid",
            Self::Void => "void",
        }
    }
}

/// Whether a ticket is valid and now is within its validity.
#[derive(Clone, Copy)]
pub struct Effective(pub bool);

impl PreparedType {
    fn new(activity: &Activity, kind: &TicketType) -> Self {
        let (mut head, mut times) = (vec![b'{'], Vec::new());
        json::field(&mut head, "id", &kind.id);
        json::field(&mut head, "name", &kind.name);
        json::field(&mut head, "desc", &kind.desc);
        json::field(&mut head, "price", &kind.price.amount());
        json::field(&mut head, "currency", &kind.price.currency);
        json::field(&mut head, "limit_per_user", &kind.limit_per_user);
        let window = kind.window.unwrap_or(activity.window);
        json::field(&mut times, "start_time", &window.start().seconds());
        json::field(&mut times, "end_time", &window.end().seconds());
        times.push(b'}');
        let image = if kind.image.is_empty() { &activity.image } else { &kind.image };
        let (mut texts, mut ids, mut validity) = (Vec::new(), Vec::new(), Vec::new());
        json::field(&mut texts, "name", &kind.name);
        json::field(&mut texts, "desc", &kind.desc);
        json::field(&mut texts, "image", image);
        json::field(&mut ids, "act_id", &activity.id);
        json::field(&mut ids, "type_id", &kind.id);
        json::field(&mut validity, "start_time", &kind.validity.from.seconds());
        json::field(&mut validity, "end_time", &kind.validity.until.map(TimeMs::seconds));
        Self { head, times, texts, ids, validity }
    }
}
