//! What Stock knows of each person in one activity: 8 bytes a user number, in pages made when first touched.
//! User numbers are dense, so a look-up is two array accesses and growing never moves what is there.

use rules::{Refusal, Seq, UserNo};

/// Users in a page: small enough that strangers cost little, large enough that the table of pages does too.
const PAGE_USERS: usize = 256;

/// One person's part in one activity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot {
    /// The person's newest claim; `None`: no claim.
    last_seq: u32,
    /// The number of the recorded refusal; 0: none.
    refusal: i8,
    flags: u8,
}

const ELIGIBLE: u8 = 1;
const SEEN: u8 = 2;
const GAVE_BACK: u8 = 4;

impl Slot {
    /// The person's newest claim.
    pub fn last(self) -> Option<Seq> {
        (self.last_seq != 0).then_some(Seq(self.last_seq))
    }

    /// On the roster.
    pub fn eligible(self) -> bool {
        self.flags & ELIGIBLE != 0
    }

    /// Recorded as having tried, by a claim or a part.
    pub fn seen(self) -> bool {
        self.flags & SEEN != 0
    }

    /// An order of theirs ended: their live lines may have gaps.
    pub fn gave_back(self) -> bool {
        self.flags & GAVE_BACK != 0
    }

    /// The recorded refusal.
    pub fn refusal(self) -> Option<Refusal> {
        Refusal::from_number(self.refusal)
    }

    /// Makes `seq` the newest claim.
    pub fn set_last(&mut self, seq: Option<Seq>) {
        self.last_seq = seq.map_or(0, |seq| seq.0);
    }

    /// Puts the person on the roster.
    pub fn set_eligible(&mut self) {
        self.flags |= ELIGIBLE;
    }

    /// Marks the person as having given something back.
    pub fn set_gave_back(&mut self) {
        self.flags |= GAVE_BACK;
    }

    /// Marks the person as having tried; true if this is news.
    pub fn set_seen(&mut self) -> bool {
        let news = !self.seen();
        self.flags |= SEEN;
        news
    }

    /// Records the first refusal.
    pub fn set_refusal(&mut self, refusal: Refusal) {
        assert_eq!(self.refusal, 0, "the first refusal stays");
        self.refusal = refusal.number();
    }
}

/// The slots of an activity, by user number.
#[derive(Default)]
pub struct People {
    pages: Vec<Option<Box<[Slot; PAGE_USERS]>>>,
}

impl People {
    /// The slot of a user; an empty one for those never touched.
    pub fn get(&self, user: UserNo) -> Slot {
        let (page, place) = Self::place(user);
        self.pages
            .get(page)
            .and_then(|page| page.as_ref())
            .map_or(Slot::default(), |page| page[place])
    }

    /// The slot of a user, to be changed.
    pub fn get_mut(&mut self, user: UserNo) -> &mut Slot {
        assert!(user.0 <= rules::USERS_MAX, "user numbers are bounded");
        let (page, place) = Self::place(user);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([Slot::default(); PAGE_USERS]));
        &mut page[place]
    }

    fn place(user: UserNo) -> (usize, usize) {
        let index = user.0 as usize;
        (index / PAGE_USERS, index % PAGE_USERS)
    }
}

const _: () = assert!(size_of::<Slot>() == 8);
