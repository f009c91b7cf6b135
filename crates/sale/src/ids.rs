//! The opaque ids of claims and tickets: where a claim stands, with a MAC over that and its owner.
//! So an id that the ledger lacks can still be known for one that was really given to this person.
//!
//! ```text
//! bytes  0..4 activity | 4..8 seq of the first line | 8..12 epoch | 12..14 type, or 65535 | 14..22 MAC
//! text   30 characters of base64url; a ticket adds `-N`, its place in the order from 1
//! type   that of an order of one line; 65535 stands for several lines, so that every line knows its order's id
//! MAC    HMAC-SHA256(ledger's secret, bytes 0..14 | user), first 8 bytes
//! ```

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rules::{ActivityNo, BASKET_UNITS_MAX, Claim, Epoch, KeyHash, OrderNo, Seq, TypeNo, UserNo};
use sha2::Sha256;

const PLACE_BYTES: usize = 14;
const MAC_BYTES: usize = 8;
const ID_BYTES: usize = PLACE_BYTES + MAC_BYTES;
/// Characters of a claim's id.
const TEXT_CHARS: usize = 30;

/// The type that the ids of orders of several lines carry.
const SEVERAL: TypeNo = TypeNo(u16::MAX);
const _: () =
    assert!(rules::TYPES_MAX < SEVERAL.0, "no type has the number that stands for several");

/// Where a claim, which is an order, stands, as its id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimId {
    /// The activity.
    pub activity: ActivityNo,
    /// The place of its first line in the order of decisions.
    pub seq: Seq,
    /// Under which ownership.
    pub epoch: Epoch,
    /// The ticket type of a claim of one line; 65535 for several.
    pub ticket_type: TypeNo,
}

impl ClaimId {
    /// The order.
    pub const fn order(self) -> OrderNo {
        OrderNo { activity: self.activity, seq: self.seq }
    }
}

/// A ticket: an order, and which of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketId {
    /// The order.
    pub claim: ClaimId,
    /// From 1 to `BASKET_UNITS_MAX`: the line after so many.
    pub place: u32,
}

/// The text of a claim's id, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdText([u8; TEXT_CHARS]);

impl IdText {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }
}

/// Makes and reads ids under the ledger's secret.
pub struct Ids {
    claims: Hmac<Sha256>,
    keys: Hmac<Sha256>,
}

impl From<&Claim> for ClaimId {
    /// The id of the order this is a line of, whichever line it is.
    fn from(claim: &Claim) -> Self {
        let OrderNo { activity, seq } = claim.order();
        let ticket_type = if claim.lines > 1 { SEVERAL } else { claim.ticket_type };
        Self { activity, seq, epoch: claim.epoch, ticket_type }
    }
}

impl From<&Claim> for TicketId {
    fn from(claim: &Claim) -> Self {
        Self { claim: ClaimId::from(claim), place: u32::from(claim.line) + 1 }
    }
}

impl Ids {
    /// Ids under these two secrets of the ledger.
    pub fn new(claim_secret: &[u8; 32], key_secret: &[u8; 32]) -> Self {
        let keyed = |secret: &[u8; 32]| {
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length")
        };
        Self { claims: keyed(claim_secret), keys: keyed(key_secret) }
    }

    /// The id of a claim, which is the id of its order.
    pub fn claim(&self, claim: &Claim) -> IdText {
        self.text(&ClaimId::from(claim), claim.user)
    }

    /// The id of the claim in this place, as it was given to `user`.
    pub fn text(&self, id: &ClaimId, user: UserNo) -> IdText {
        let place = place_bytes(id);
        let mut bytes = [0; ID_BYTES];
        bytes[..PLACE_BYTES].copy_from_slice(&place);
        bytes[PLACE_BYTES..].copy_from_slice(&self.mac(&place, user));
        let mut text = [0; TEXT_CHARS];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        assert_eq!(written, Ok(TEXT_CHARS));
        IdText(text)
    }

    /// Reads a claim's id that was given to `user`; anything else is nothing.
    pub fn read_claim(&self, text: &str, user: UserNo) -> Option<ClaimId> {
        let mut bytes = [0; ID_BYTES];
        if text.len() != TEXT_CHARS || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).is_err() {
            return None;
        }
        let place: [u8; PLACE_BYTES] = bytes[..PLACE_BYTES].try_into().ok()?;
        // Not in constant time: the MAC only settles whose question this is, for someone signed in,
        // and opens nothing: every answer also compares the owner.
        (self.mac(&place, user) == bytes[PLACE_BYTES..]).then(|| read_place(&place))
    }

    /// Reads a claim's id without asking whose it is: for operators, who then compare the owner.
    pub fn read_any_claim(&self, text: &str) -> Option<ClaimId> {
        let mut bytes = [0; ID_BYTES];
        if text.len() != TEXT_CHARS || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).is_err() {
            return None;
        }
        Some(read_place(bytes.first_chunk()?))
    }

    /// The id of a line's ticket.
    pub fn ticket(&self, claim: &Claim) -> String {
        format!("{}-{}", self.claim(claim).as_str(), u32::from(claim.line) + 1)
    }

    /// Splits a ticket's id into its order's and its place in that.
    pub fn split_ticket(text: &str) -> Option<(&str, u32)> {
        let (claim, rest) = text.split_at_checked(TEXT_CHARS)?;
        let digits = rest.strip_prefix('-')?;
        // One place, one text: neither a sign nor a leading zero.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let place: u32 = digits.parse().ok().filter(|_| plain)?;
        (place <= u32::from(BASKET_UNITS_MAX)).then_some((claim, place))
    }

    /// Reads a ticket's id that was given to `user`.
    pub fn read_ticket(&self, text: &str, user: UserNo) -> Option<TicketId> {
        let (claim, place) = Self::split_ticket(text)?;
        Some(TicketId { claim: self.read_claim(claim, user)?, place })
    }

    /// The hash under which an idempotency key is remembered.
    pub fn key(&self, key: &str) -> KeyHash {
        let mut mac = self.keys.clone();
        mac.update(key.as_bytes());
        let full = mac.finalize().into_bytes();
        KeyHash::from_bytes(*full.first_chunk().expect("SHA-256 has 32 bytes"))
    }

    fn mac(&self, place: &[u8; PLACE_BYTES], user: UserNo) -> [u8; MAC_BYTES] {
        let mut mac = self.claims.clone();
        mac.update(place);
        mac.update(&user.0.to_be_bytes());
        *mac.finalize().into_bytes().first_chunk().expect("SHA-256 has 32 bytes")
    }
}

fn place_bytes(id: &ClaimId) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    bytes[0..4].copy_from_slice(&id.activity.0.to_be_bytes());
    bytes[4..8].copy_from_slice(&id.seq.0.to_be_bytes());
    bytes[8..12].copy_from_slice(&id.epoch.0.to_be_bytes());
    bytes[12..14].copy_from_slice(&id.ticket_type.0.to_be_bytes());
    bytes
}

fn read_place(bytes: &[u8; PLACE_BYTES]) -> ClaimId {
    let four =
        |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    ClaimId {
        activity: ActivityNo(four(0)),
        seq: Seq(four(4)),
        epoch: Epoch(four(8)),
        ticket_type: TypeNo(u16::from_be_bytes([bytes[12], bytes[13]])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{ClaimNo, TimeMs, UnitNo};

    fn claim(user: u32) -> Claim {
        Claim {
            activity: ActivityNo(3),
            seq: Seq(77),
            epoch: Epoch(2),
            ticket_type: TypeNo(1),
            unit: UnitNo(9),
            user: UserNo(user),
            claim_no: ClaimNo(10),
            ordinal_in_type: 1,
            ordinal_in_activity: 1,
            decided_at: TimeMs(5),
            key: None,
            line: 0,
            lines: 1,
            priced: false,
            offer: None,
        }
    }

    #[test]
    fn every_line_of_an_order_knows_its_order_and_its_own_ticket() {
        let ids = Ids::new(&[1; 32], &[2; 32]);
        let first = Claim { lines: 100, ..claim(5) };
        let last = Claim { seq: Seq(176), ticket_type: TypeNo(9), line: 99, ..first };
        assert_eq!(ids.claim(&first), ids.claim(&last));
        assert_eq!(ids.ticket(&last), format!("{}-100", ids.claim(&first).as_str()));
        let read = ids.read_ticket(&ids.ticket(&last), UserNo(5));
        assert_eq!(read, Some(TicketId::from(&last)));
        assert_eq!(read.unwrap().claim.order(), first.order());
        for place in ["0", "01", "+1", "101", "4294967297", "", " 1", "1 "] {
            let text = format!("{}-{place}", ids.claim(&first).as_str());
            assert_eq!(ids.read_ticket(&text, UserNo(5)), None, "{place:?}");
        }
    }

    /// C23: an id is worth nothing in other hands, and none can be guessed.
    #[test]
    fn an_id_is_read_only_by_the_person_it_was_given_to() {
        let ids = Ids::new(&[1; 32], &[2; 32]);
        let text = ids.claim(&claim(5));
        assert_eq!(ids.read_claim(text.as_str(), UserNo(5)), Some(ClaimId::from(&claim(5))));
        assert_eq!(ids.read_claim(text.as_str(), UserNo(6)), None);
        assert_eq!(Ids::new(&[3; 32], &[2; 32]).read_claim(text.as_str(), UserNo(5)), None);
        for (at, _) in text.as_str().char_indices() {
            let mut changed = text.as_str().to_owned();
            let other = if changed.as_bytes()[at] == b'A' { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(ids.read_claim(&changed, UserNo(5)), None, "character {at} changed");
        }
    }

    /// C13: whatever a client sends as an id is either an id or nothing.
    #[test]
    fn malformed_ids_are_nothing() {
        let ids = Ids::new(&[1; 32], &[2; 32]);
        let good = ids.ticket(&claim(5));
        assert!(ids.read_ticket(&good, UserNo(5)).is_some());
        let long = "A".repeat(100_000);
        for text in [
            "",
            "-1",
            "0",
            "\u{1F3AB}",
            &good[..31],
            &format!("{good}01"),
            &long,
            "é".repeat(15).as_str(),
        ] {
            assert_eq!(ids.read_ticket(text, UserNo(5)), None, "{text}");
        }
    }

    #[test]
    fn keys_hash_apart_and_always_the_same() {
        let ids = Ids::new(&[1; 32], &[2; 32]);
        assert_eq!(ids.key("a"), ids.key("a"));
        assert_ne!(ids.key("a"), ids.key("b"));
    }
}
