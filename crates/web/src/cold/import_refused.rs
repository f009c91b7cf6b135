//! Why a running server refused an import, for the command line: places instead of words, because the command
//! line has the files and names their lines itself. Never holds a code or a name.

use sale::{
    DeskRefused, TypeNo,
    files::{Difference, NotChangeable},
};
use serde::{Deserialize, Serialize};

/// What only the server can know of an import. Places count from 0.
#[derive(Serialize, Deserialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum ImportRefused {
    /// The id of an activity exists already.
    IdExists {
        /// The activity's place.
        activity: usize,
    },
    /// A code is in the ledger already.
    CodeExists {
        /// The activity's place.
        activity: usize,
        /// Its type's place.
        ticket: u16,
        /// The code's place.
        code: usize,
    },
    /// An update may not change these keys.
    NotChangeable {
        /// Each of them.
        keys: Vec<RefusedKey>,
    },
    /// An activity that an update is to change is closed.
    Closed {
        /// The activity's place.
        activity: usize,
    },
}

/// A key that may not change.
#[derive(Serialize, Deserialize)]
pub struct RefusedKey {
    activity: usize,
    ticket: Option<usize>,
    key: String,
    difference: RefusedDifference,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefusedDifference {
    Value,
    Stock { imported: u32, total: u32 },
    CodeCount { given: u32, imported: u32, total: u32 },
    CodeAt { row: u32 },
    Roster { added: u32, missing: u32 },
}

impl ImportRefused {
    /// The same for the wire; `None`: the envelope alone says enough.
    pub fn of(refused: &DeskRefused) -> Option<Self> {
        Some(match refused {
            DeskRefused::IdExists(activity) => Self::IdExists { activity: *activity },
            DeskRefused::CodeExists(activity, ticket, code) => {
                Self::CodeExists { activity: *activity, ticket: ticket.0, code: *code }
            }
            DeskRefused::NotChangeable(keys) => {
                Self::NotChangeable { keys: keys.iter().map(refused_key).collect() }
            }
            DeskRefused::ClosedAt(activity) => Self::Closed { activity: *activity },
            DeskRefused::NotFound
            | DeskRefused::Closed
            | DeskRefused::KeyUsed
            | DeskRefused::WrongKind(_)
            | DeskRefused::Short { .. }
            | DeskRefused::TooMany
            | DeskRefused::Fault(_) => return None,
        })
    }
}

impl From<ImportRefused> for DeskRefused {
    fn from(refused: ImportRefused) -> Self {
        match refused {
            ImportRefused::IdExists { activity } => Self::IdExists(activity),
            ImportRefused::CodeExists { activity, ticket, code } => {
                Self::CodeExists(activity, TypeNo(ticket), code)
            }
            ImportRefused::NotChangeable { keys } => {
                Self::NotChangeable(keys.into_iter().map(not_changeable).collect())
            }
            ImportRefused::Closed { activity } => Self::ClosedAt(activity),
        }
    }
}

fn refused_key((activity, differs): &(usize, NotChangeable)) -> RefusedKey {
    let NotChangeable { ticket, key, difference } = differs;
    let difference = match *difference {
        Difference::Value => RefusedDifference::Value,
        Difference::Stock { imported, total } => RefusedDifference::Stock { imported, total },
        Difference::CodeCount { given, imported, total } => {
            RefusedDifference::CodeCount { given, imported, total }
        }
        Difference::CodeAt { row } => RefusedDifference::CodeAt { row },
        Difference::Roster { added, missing } => RefusedDifference::Roster { added, missing },
    };
    RefusedKey { activity: *activity, ticket: *ticket, key: key.clone(), difference }
}

fn not_changeable(refused: RefusedKey) -> (usize, NotChangeable) {
    let RefusedKey { activity, ticket, key, difference } = refused;
    let difference = match difference {
        RefusedDifference::Value => Difference::Value,
        RefusedDifference::Stock { imported, total } => Difference::Stock { imported, total },
        RefusedDifference::CodeCount { given, imported, total } => {
            Difference::CodeCount { given, imported, total }
        }
        RefusedDifference::CodeAt { row } => Difference::CodeAt { row },
        RefusedDifference::Roster { added, missing } => Difference::Roster { added, missing },
    };
    (activity, NotChangeable { ticket, key, difference })
}
