//! The books that an operator takes home: orders and payments of a ledger, in one row each.
//! What a check adds up is what an export shows.

use crate::given::World;
use ledger::{ActivityLedger, Ledger, SqliteLedger};
use sale::export::{ExportFormat, ExportKind, ExportWriter};
use serde_json::Value;
use std::collections::BTreeMap;

fn exported(ledger: &SqliteLedger, kind: ExportKind) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let concert = ledger.activities().unwrap().remove(3);
    let ids = sale::read_ids(ledger).unwrap();
    let mut bytes = Vec::new();
    let sink = Box::new(&mut bytes);
    let writer = ExportWriter::new(ExportFormat::JsonLines, kind, sink, folder.path()).unwrap();
    let target = (concert.no, &concert.activity);
    let rows = sale::write_export(ledger, &ids, target, kind, writer).unwrap();
    let lines = String::from_utf8(bytes).unwrap();
    let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len() as u64, rows);
    read
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("-")
}

#[test]
fn every_line_of_every_order_is_a_row_and_every_payment_names_what_it_pays() {
    let world = World::given();
    let ledger = world.open();
    for name in ["claim-ids", "idempotency-keys"] {
        ledger.secret(name).unwrap();
    }
    let orders = exported(&ledger, ExportKind::Orders);
    let rows: Vec<_> = orders
        .iter()
        .map(|row| {
            (text(row, "type_id"), text(row, "state"), text(row, "price"), text(row, "code"))
        })
        .collect();
    let expected = [
        ("floor", "paid", "9.90", "-"),
        ("floor", "expired", "9.90", "-"),
        ("floor", "paid", "9.90", "-"),
        ("box", "paid", "100.00", "SECRET-200"),
        ("floor", "cancelled", "9.90", "-"),
        ("floor", "held", "9.90", "-"),
        ("box", "refunded", "100.00", "SECRET-201"),
        ("floor", "paid", "9.90", "-"),
        ("box", "held", "100.00", "-"),
    ];
    assert_eq!(rows, expected);
    let id = |line: usize| text(&orders[line], "order_id");
    assert_eq!(id(2), id(3), "the lines of a basket are one order");
    let tickets = [2, 3].map(|line| text(&orders[line], "ticket_id").to_owned());
    assert_eq!(tickets, [format!("{}-1", id(2)), format!("{}-2", id(2))]);

    let payments = exported(&ledger, ExportKind::Payments);
    let rows: Vec<_> = payments
        .iter()
        .map(|row| {
            let (reference, amount, state) =
                (text(row, "reference"), text(row, "amount"), text(row, "state"));
            (reference, text(row, "order_id"), amount, state, text(row, "paid_order"))
        })
        .collect();
    let expected = [
        ("r1", id(0), "9.90", "confirmed", id(0)),
        ("r2", id(2), "109.90", "confirmed", id(2)),
        ("r3", id(6), "100.00", "refunded", id(6)),
        ("r4", id(1), "9.90", "confirmed", id(7)),
        ("r5", id(4), "9.90", "late", "-"),
        ("r6", id(0), "9.90", "refund_due", "-"),
        ("r7", id(8), "5.00", "refund_due", "-"),
    ];
    assert_eq!(rows, expected);
    let mut users = BTreeMap::new();
    for row in orders.iter().chain(&payments) {
        let user = users.entry(text(row, "order_id")).or_insert(text(row, "user"));
        assert_eq!(*user, text(row, "user"), "a payment has the name of its order's buyer");
    }
}
