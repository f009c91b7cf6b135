//! A sale that goes on by itself: claims, refills, codes, units taken back, a later end, activities that sell out.
//! Whatever it writes is right, and in the order in which a sale writes it; so a check that finds anything is wrong.

use crate::given::{END, START, activity, entry, ticket, write};
use crate::payers::Payers;
use ledger::{ActivityLedger, ClaimLedger, EventDraft, NewUnits, SqliteLedger};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, EventKind, Part, Refusal, Seq, TimeMs, TypeNo,
    UnitKind, UnitNo, UserNo, Window,
};
use std::collections::BTreeSet;

const CODES: TypeNo = TypeNo(0);
const PLAIN: TypeNo = TypeNo(1);

/// One type on sale.
struct Shelf {
    free: BTreeSet<u32>,
    made: u32,
    last_claim_no: u32,
}

pub struct Seller<'a> {
    ledger: &'a SqliteLedger,
    epoch: Epoch,
    no: ActivityNo,
    definition: Activity,
    shelves: [Shelf; 2],
    seq: u32,
    users: u32,
    steps: u32,
    /// How many rounds go by between two steps with small activities: each one more makes a check longer.
    small_every: u32,
    /// Has one unit, and nobody has it yet.
    small: Option<ActivityNo>,
    /// What costs something.
    payers: Payers<'a>,
}

/// Kinds of steps in a round.
const ROUND: u32 = 7;

impl<'a> Seller<'a> {
    pub fn new(ledger: &'a SqliteLedger, small_every: u32) -> Self {
        let epoch = ledger.own().unwrap();
        let types = vec![ticket("seat", UnitKind::Codes, 1), ticket("snack", UnitKind::Plain, 2)];
        let units = vec![NewUnits::Codes(vec!["first".into()]), NewUnits::Plain(0)];
        let new = activity("long", types, units);
        let no = ledger.add_activities(epoch, std::slice::from_ref(&new), &entry()).unwrap()[0].no;
        let shelf = |made| Shelf { free: (0..made).collect(), made, last_claim_no: 0 };
        let (definition, shelves) = (new.activity, [shelf(1), shelf(0)]);
        let (seq, users, steps, small) = (0, 0, 0, None);
        let payers = Payers::new(ledger, epoch);
        Self {
            ledger,
            epoch,
            no,
            definition,
            shelves,
            seq,
            users,
            steps,
            small_every,
            small,
            payers,
        }
    }

    /// The activity that changes at every step.
    pub fn activity(&self) -> ActivityNo {
        self.no
    }

    pub fn claims(&self) -> u32 {
        self.seq
    }

    /// The activity that costs something.
    pub fn priced(&self) -> ActivityNo {
        self.payers.no
    }

    /// Writes the next thing.
    pub fn step(&mut self) {
        self.steps += 1;
        self.payers.step();
        let small = (self.steps / ROUND).is_multiple_of(self.small_every);
        // What is made is sold at once, to the last moment there is, so that old readings do not explain it.
        match self.steps % ROUND {
            0 => self.end_later(),
            1 => self.sell(&[CODES]),
            2 => self.change(EventKind::UnitsAdded { ticket_type: PLAIN, units: 0..3 }),
            3 => self.sell(&[PLAIN, PLAIN]),
            4 => self.take_back(),
            5 if small => self.small(),
            6 => self.add_codes(),
            _ => {}
        }
    }

    /// Every claim is made by somebody new at the last moment there is; two of them by the same.
    fn sell(&mut self, types: &[TypeNo]) {
        self.users += 1;
        let mut claims = Vec::new();
        for (had, ticket_type) in (0..).zip(types) {
            let shelf = &mut self.shelves[usize::from(ticket_type.0)];
            let Some(unit) = shelf.free.pop_first() else { break };
            shelf.last_claim_no += 1;
            self.seq += 1;
            claims.push(Claim {
                activity: self.no,
                seq: Seq(self.seq),
                epoch: self.epoch,
                ticket_type: *ticket_type,
                unit: UnitNo(unit),
                user: UserNo(self.users),
                claim_no: ClaimNo(shelf.last_claim_no),
                ordinal_in_type: had + 1,
                ordinal_in_activity: had + 1,
                decided_at: TimeMs(self.definition.window.end().0 - 1),
                key: None,
                line: 0,
                lines: 1,
                priced: false,
                offer: None,
            });
        }
        write(self.ledger, self.epoch, &claims);
    }

    fn change(&mut self, kind: EventKind) {
        if let EventKind::UnitsAdded { ticket_type, units } = &kind {
            self.shelves[usize::from(ticket_type.0)].make(units.end - units.start);
        }
        let draft = EventDraft { activity: self.no, at: START, kind, key: None };
        self.ledger.append(self.epoch, &draft, &entry()).unwrap();
    }

    fn add_codes(&mut self) {
        let codes = [format!("code of step {}", self.steps)];
        self.ledger.add_codes(self.epoch, self.no, CODES, &codes, &entry()).unwrap();
        self.shelves[0].make(1);
    }

    fn take_back(&mut self) {
        let Some(unit) = self.shelves[1].free.pop_last() else { return };
        let units = std::iter::once(unit..unit + 1).collect();
        self.change(EventKind::UnitsTakenBack { ticket_type: PLAIN, units });
    }

    fn end_later(&mut self) {
        let window = self.definition.window;
        let end = TimeMs(window.end().0 + 1);
        self.definition.window = Window::new(window.start(), end).unwrap();
        self.change(EventKind::Changed(Box::new(self.definition.clone())));
    }

    /// Adds an activity of one unit, or sells that one and then records two people who came for it too.
    fn small(&mut self) {
        let Some(no) = self.small.take() else {
            let types = vec![ticket("last", UnitKind::Plain, 1)];
            let new = activity(&format!("small-{}", self.steps), types, vec![NewUnits::Plain(1)]);
            let added = self.ledger.add_activities(self.epoch, &[new], &entry()).unwrap();
            self.small = Some(added[0].no);
            return;
        };
        let claim = Claim {
            decided_at: TimeMs(END.0 - 1),
            ..crate::given::claim(no, self.epoch, 1, 0, 0, 1)
        };
        write(self.ledger, self.epoch, &[claim]);
        let part = |user, refusal| Part {
            activity: no,
            user: UserNo(user),
            seen_at: START,
            refusal: Some(refusal),
        };
        let parts = [part(1, Refusal::LimitReached), part(2, Refusal::SoldOut)];
        self.ledger.record_parts(self.epoch, &parts).unwrap();
    }
}

impl Shelf {
    fn make(&mut self, count: u32) {
        self.free.extend(self.made..self.made + count);
        self.made += count;
    }
}
