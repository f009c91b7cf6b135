//! Exports as their readers see them: a CSV reader, a spreadsheet and a JSON parser read them back.
//! Names that look like formulas are planted, and codes must come out exactly as they went in.

use calamine::{Data, DataType, Reader, Xlsx};
use ledger::{NewPayment, OrderMark, OrderRow, ParticipantRow, PaymentNo, PaymentRecord};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, Epoch, Money, OrderNo, OrderState, PaymentState, Refusal,
    Seq, TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
};
use sale::export::{
    ExportFault, ExportFormat, ExportKind, ExportWriter, OrderOut, ParticipantOut, PaymentOut,
};
use std::io::{Cursor, ErrorKind, Write};

const ORDER_HEADER: [&str; 14] = [
    "order_id",
    "ticket_id",
    "claim_no",
    "user",
    "display_name",
    "department",
    "type_id",
    "code",
    "state",
    "price",
    "currency",
    "decided_at",
    "paid_at",
    "redeemed_at",
];
const PARTICIPANT_HEADER: [&str; 6] =
    ["user", "display_name", "department", "first_seen", "outcome", "claim_no"];
const PAYMENT_HEADER: [&str; 11] = [
    "payment_id",
    "provider",
    "reference",
    "order_id",
    "user",
    "amount",
    "currency",
    "state",
    "received_at",
    "changed_at",
    "paid_order",
];
/// 2026-12-01T02:00:00.007Z.
const DECIDED_AT: TimeMs = TimeMs(1_796_090_400_007);

fn activity() -> Activity {
    let ticket = TicketType {
        id: "seat".into(),
        name: "T".into(),
        desc: String::new(),
        image: String::new(),
        price: Money { minor: 0, currency: "CNY".into() },
        limit_per_user: 1,
        kind: UnitKind::Codes,
        window: None,
        pay_within_s: 900,
        offer_within_s: 900,
        validity: Validity { from: TimeMs(1), until: None },
    };
    Activity {
        id: "a".into(),
        name: "A".into(),
        desc: String::new(),
        image: String::new(),
        window: Window::new(TimeMs(1), TimeMs(2)).unwrap(),
        limit_per_user: None,
        has_roster: false,
        standby: false,
        types: vec![ticket],
    }
}

fn claim(no: u32) -> Claim {
    Claim {
        activity: ActivityNo(1),
        seq: Seq(no),
        epoch: Epoch(1),
        ticket_type: TypeNo(0),
        unit: UnitNo(no - 1),
        user: UserNo(no),
        claim_no: ClaimNo(no),
        ordinal_in_type: 1,
        ordinal_in_activity: 1,
        decided_at: DECIDED_AT,
        key: None,
        line: 0,
        lines: 1,
        priced: false,
        offer: None,
    }
}

const FREE: OrderMark = OrderMark { state: OrderState::Paid, paid_at: None, ended_at: None };

/// The same text as name, display name and department; and a code.
fn order_row<'a>(no: u32, text: &'a str, code: Option<&'a str>) -> OrderRow<'a> {
    let (claim, mark) = (claim(no), FREE);
    OrderRow { claim, mark, user: text, display_name: text, department: text, code }
}

/// What reaches the sink of an export.
fn exported(
    format: ExportFormat,
    kind: ExportKind,
    write: impl FnOnce(&mut ExportWriter<'_>) -> Result<(), ExportFault>,
) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let mut writer = ExportWriter::new(format, kind, Box::new(&mut bytes), folder.path()).unwrap();
    write(&mut writer).unwrap();
    writer.finish().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    bytes
}

fn orders(format: ExportFormat, rows: &[OrderRow<'_>]) -> Vec<u8> {
    let activity = activity();
    exported(format, ExportKind::Orders, |writer| {
        rows.iter().enumerate().try_for_each(|(no, row)| {
            let (order, ticket) = (format!("o{no}"), format!("t{no}"));
            writer.order(&OrderOut::new(row, &activity, &order, &ticket))
        })
    })
}

fn participants(format: ExportFormat, rows: &[ParticipantRow<'_>]) -> Vec<u8> {
    exported(format, ExportKind::Participants, |writer| {
        rows.iter().try_for_each(|row| writer.participant(&ParticipantOut::new(row)))
    })
}

fn participant_rows() -> [ParticipantRow<'static>; 3] {
    let row = |user, refusal, won| ParticipantRow {
        user,
        display_name: "王五",
        department: "",
        first_seen: DECIDED_AT,
        refusal,
        won,
    };
    [
        row("s1", Some(Refusal::LimitReached), Some(ClaimNo(7))),
        row("s2", Some(Refusal::SoldOut), None),
        row("s3", None, None),
    ]
}

fn csv_rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn sheet_rows(bytes: Vec<u8>, sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let formulas = book.worksheet_formula(sheet).unwrap();
    assert!(formulas.is_empty(), "no formula in a workbook of ours");
    book.worksheet_range(sheet).unwrap().rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn csv_is_utf8_with_a_mark_and_crlf() {
    let bytes = orders(ExportFormat::Csv, &[order_row(1, "王,\"五\"", None)]);
    let text = String::from_utf8(bytes).unwrap();
    let expected = format!(
        "\u{feff}{}\r\no0,t0,1,{name},{name},{name},seat,,paid,0,CNY,\
         2026-12-01T02:00:00.007Z,2026-12-01T02:00:00.007Z,\r\n",
        ORDER_HEADER.join(","),
        name = "\"王,\"\"五\"\"\"",
    );
    assert_eq!(text, expected);
}

/// The state of a priced order, when it was paid, and its code only where its buyer can see it or could.
#[test]
fn an_order_s_row_says_how_it_stands() {
    let mut activity = activity();
    activity.types[0].price.minor = 990;
    let paid = Some(TimeMs(DECIDED_AT.0 + 1_000));
    let at = "2026-12-01T02:00:01.007Z";
    let table = [
        (OrderState::Held, None, "", "held", ""),
        (OrderState::Paid, paid, "CODE", "paid", at),
        (OrderState::Cancelled, None, "", "cancelled", ""),
        (OrderState::Expired, None, "", "expired", ""),
        (OrderState::RefundDue, paid, "CODE", "refund_due", at),
        (OrderState::Refunded, paid, "CODE", "refunded", at),
    ];
    for (state, paid_at, code, name, told) in table {
        let claim = Claim { priced: true, ..claim(1) };
        let mark = OrderMark { state, paid_at, ended_at: None };
        let row = OrderRow { claim, mark, ..order_row(1, "s1", Some("CODE")) };
        let bytes = exported(ExportFormat::Csv, ExportKind::Orders, |writer| {
            writer.order(&OrderOut::new(&row, &activity, "o", "o-1"))
        });
        let row = &csv_rows(&bytes)[1];
        assert_eq!(row[7..11], [code, name, "9.90", "CNY"], "{state:?}");
        assert_eq!(row[12], told, "{state:?}");
    }
}

fn payment(no: u64, reference: &str, state: PaymentState) -> PaymentRecord {
    let order = OrderNo { activity: ActivityNo(1), seq: Seq(3) };
    let amount = Money { minor: 990, currency: "CNY".into() };
    PaymentRecord {
        no: PaymentNo(no),
        payment: NewPayment { provider: "test".into(), reference: reference.into(), order, amount },
        state,
        paid_order: None,
        received_at: DECIDED_AT,
        changed_at: TimeMs(DECIDED_AT.0 + 1_000),
        refund_attempts: 0,
        refund_after: TimeMs(0),
    }
}

/// C27 here too: what a provider calls a payment is a text.
#[test]
fn payments_are_exported_with_what_they_pay() {
    let records = [
        payment(1, "r1", PaymentState::Confirmed),
        payment(u64::from(u32::MAX) + 1, "=r2", PaymentState::Late),
    ];
    let payments = |format| {
        exported(format, ExportKind::Payments, |writer| {
            let pays = [Some("o1"), None];
            records.iter().zip(pays).try_for_each(|(record, pays)| {
                writer.payment(&PaymentOut::new(record, "o1", "王五", pays))
            })
        })
    };
    let rows = csv_rows(&payments(ExportFormat::Csv));
    let (came, changed) = ("2026-12-01T02:00:00.007Z", "2026-12-01T02:00:01.007Z");
    assert_eq!(rows[0][1..], PAYMENT_HEADER[1..]);
    assert_eq!(
        rows[1],
        ["1", "test", "r1", "o1", "王五", "9.90", "CNY", "confirmed", came, changed, "o1"]
    );
    assert_eq!(rows[2][..3], ["4294967296", "test", "'=r2"]);
    assert_eq!((rows[2][7].as_str(), rows[2][10].as_str()), ("late", ""));
    let sheet = sheet_rows(payments(ExportFormat::Xlsx), "payments");
    assert_eq!((sheet[2][0].as_f64(), sheet[2][10].is_empty()), (Some(4_294_967_296.0), true));
    let lines = String::from_utf8(payments(ExportFormat::JsonLines)).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((last["payment_id"].as_u64(), last["paid_order"].is_null()), (Some(1 << 32), true));
}

/// C27: a name that begins like a formula is text in every spreadsheet; a code is left alone.
#[test]
fn a_text_never_becomes_a_formula_and_a_code_stays_exact() {
    let table = [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("=HYPERLINK(\"http://x\",\"y\")", "'=HYPERLINK(\"http://x\",\"y\")"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("", ""),
        ("王五", "王五"),
    ];
    for (text, expected) in table {
        let rows = csv_rows(&orders(ExportFormat::Csv, &[order_row(1, text, Some(text))]));
        for column in [3, 4, 5] {
            assert_eq!(rows[1][column], expected, "{text:?} in {}", ORDER_HEADER[column]);
        }
        assert_eq!(rows[1][7], text, "a code is exempt");
        let sheet =
            sheet_rows(orders(ExportFormat::Xlsx, &[order_row(1, text, Some(text))]), "orders");
        for column in [3, 4, 5, 7] {
            assert_eq!(sheet[1][column].as_string().unwrap_or_default(), text, "{text:?}");
        }
    }
}

/// C27 once more: ids and types are texts too.
#[test]
fn ids_that_look_like_formulas_are_guarded_as_well() {
    let activity = activity();
    let row = order_row(1, "s1", None);
    let bytes = exported(ExportFormat::Csv, ExportKind::Orders, |writer| {
        writer.order(&OrderOut::new(&row, &activity, "-o", "=t"))
    });
    let rows = csv_rows(&bytes);
    assert_eq!((rows[1][0].as_str(), rows[1][1].as_str()), ("'-o", "'=t"));
}

#[test]
fn five_hundred_codes_come_out_exactly_and_in_order() {
    let codes: Vec<String> = (0..500).map(|no| format!("{no:06}")).collect();
    let rows: Vec<_> =
        (1..=500).map(|no| order_row(no, "s", Some(&codes[no as usize - 1]))).collect();
    let csv = csv_rows(&orders(ExportFormat::Csv, &rows));
    let from_csv: Vec<_> = csv[1..].iter().map(|row| row[7].clone()).collect();
    assert_eq!(from_csv, codes);

    let sheet = sheet_rows(orders(ExportFormat::Xlsx, &rows), "orders");
    let from_sheet: Vec<_> = sheet[1..]
        .iter()
        .map(|row| match &row[7] {
            Data::String(code) => code.clone(),
            other => panic!("a code that is no text: {other:?}"),
        })
        .collect();
    assert_eq!(from_sheet, codes, "leading zeros survive");

    let lines = String::from_utf8(orders(ExportFormat::JsonLines, &rows)).unwrap();
    let from_lines: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|row| row["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(from_lines, codes);
}

#[test]
fn a_workbook_has_real_dates_and_numbers_under_the_contract_s_header() {
    let bytes = orders(ExportFormat::Xlsx, &[order_row(12, "s1", None)]);
    let rows = sheet_rows(bytes, "orders");
    assert_eq!(sheet_rows(orders(ExportFormat::Xlsx, &[]), "orders").len(), 1, "a header at least");
    let header: Vec<_> = rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(header, ORDER_HEADER);
    assert_eq!(rows[1][2].as_f64(), Some(12.0));
    assert!(rows[1][7].is_empty() && rows[1][13].is_empty());
    let Data::DateTime(decided) = &rows[1][11] else { panic!("no date: {:?}", rows[1][11]) };
    let (year, month, day, hour, minute, second, ms) = decided.to_ymd_hms_milli();
    assert_eq!((year, month, day), (2026, 12, 1));
    assert_eq!((hour, minute, second, ms), (2, 0, 0, 7), "in UTC");
}

#[test]
fn a_workbook_s_header_alone_is_bold() {
    let bytes = orders(ExportFormat::Xlsx, &[order_row(1, "s1", None)]);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let styles = book.worksheet_style("orders").unwrap();
    let is_bold = |row: u32| {
        let font = styles.get((row, 0)).and_then(|style| style.font.as_ref());
        font.is_some_and(|font| font.is_bold())
    };
    assert_eq!((is_bold(0), is_bold(1)), (true, false));
}

#[test]
fn json_lines_have_every_field_and_null_for_nothing() {
    let bytes = orders(ExportFormat::JsonLines, &[order_row(1, "=\"王\"", None)]);
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        "{\"order_id\":\"o0\",\"ticket_id\":\"t0\",\"claim_no\":1,\"user\":\"=\\\"王\\\"\",\
         \"display_name\":\"=\\\"王\\\"\",\"department\":\"=\\\"王\\\"\",\"type_id\":\"seat\",\
         \"code\":null,\"state\":\"paid\",\"price\":\"0\",\"currency\":\"CNY\",\
         \"decided_at\":\"2026-12-01T02:00:00.007Z\",\"paid_at\":\"2026-12-01T02:00:00.007Z\",\
         \"redeemed_at\":null}\n"
    );
}

#[test]
fn participants_are_won_or_their_first_refusal() {
    let rows = csv_rows(&participants(ExportFormat::Csv, &participant_rows()));
    let time = "2026-12-01T02:00:00.007Z";
    assert_eq!(rows[0][0].trim_start_matches('\u{feff}'), PARTICIPANT_HEADER[0]);
    assert_eq!(rows[0][1..], PARTICIPANT_HEADER[1..]);
    assert_eq!(rows[1], ["s1", "王五", "", time, "won", "7"]);
    assert_eq!(rows[2], ["s2", "王五", "", time, "sold_out", ""]);
    assert_eq!(rows[3], ["s3", "王五", "", time, "", ""]);

    let sheet = sheet_rows(participants(ExportFormat::Xlsx, &participant_rows()), "participants");
    assert_eq!((sheet[1][4].to_string(), sheet[1][5].as_f64()), ("won".to_owned(), Some(7.0)));
    let lines = participants(ExportFormat::JsonLines, &participant_rows());
    let last = String::from_utf8(lines).unwrap();
    let last: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!((last["outcome"].is_null(), last["claim_no"].is_null()), (true, true));
}

#[test]
fn names_of_formats_and_kinds_are_permanent() {
    let formats = ExportFormat::ALL.map(ExportFormat::name);
    assert_eq!(formats, ["csv", "xlsx", "jsonl"]);
    assert_eq!(ExportKind::ALL.map(ExportKind::name), ["orders", "participants", "payments"]);
    for format in ExportFormat::ALL {
        assert_eq!(ExportFormat::from_name(format.name()), Some(format));
    }
    for kind in ExportKind::ALL {
        assert_eq!(ExportKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(ExportFormat::from_name("xls"), None);
    assert!(ExportKind::Orders.columns().eq(ORDER_HEADER));
    assert!(ExportKind::Participants.columns().eq(PARTICIPANT_HEADER));
    assert!(ExportKind::Payments.columns().eq(PAYMENT_HEADER));
}

/// A reader who goes away after so many bytes.
struct Leaves(usize);

impl Write for Leaves {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_goes_away_is_a_fault_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let activity = activity();
    let row = order_row(1, "s1", None);
    for format in ExportFormat::ALL {
        for bytes in [0, 1, 100, 1_000] {
            let sink = Box::new(Leaves(bytes));
            let exported = ExportWriter::new(format, ExportKind::Orders, sink, folder.path())
                .and_then(|mut writer| {
                    let order = OrderOut::new(&row, &activity, "o", "t");
                    (0..100).try_for_each(|_| writer.order(&order))?;
                    writer.finish()
                });
            assert_eq!(
                exported,
                Err(ExportFault::Sink(ErrorKind::BrokenPipe)),
                "{format:?} {bytes}"
            );
        }
    }
}

#[test]
fn a_missing_folder_for_temporary_files_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let mut bytes = Vec::new();
    let writer =
        ExportWriter::new(ExportFormat::Xlsx, ExportKind::Orders, Box::new(&mut bytes), &absent);
    assert!(matches!(writer.err(), Some(ExportFault::TempFile(_))));
}
