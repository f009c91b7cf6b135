//! `export`, `check` and `backup`: they read a ledger that may be served by another process at the same time.
//! None of them ever writes into the ledger.

use super::Failure;
use crate::Place;
use clap::Args;
use ledger::{ActivityLedger, Ledger, LedgerFault, SqliteLedger};
use sale::export::{ExportFormat, ExportKind, ExportWriter};
use std::{
    fs::File,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What to export.
#[derive(Args)]
pub struct ExportArguments {
    /// The activity's id
    #[arg(value_name = "ACT")]
    activity: String,
    /// csv, xlsx or jsonl
    #[arg(long, value_parser = ["csv", "xlsx", "jsonl"])]
    format: String,
    /// orders or participants
    #[arg(long, default_value = "orders", value_parser = ["orders", "participants"])]
    what: String,
    /// A file instead of the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The command `export`: what is on disk at this moment.
pub fn export(place: &Place, arguments: &ExportArguments) -> Result<(), Failure> {
    let ledger = SqliteLedger::open_for_reading(&place.data)?;
    let id = &arguments.activity;
    let found = ledger.activities()?.into_iter().find(|stored| stored.activity.id == *id);
    let stored = found.ok_or_else(|| Failure::No(vec![format!("no activity has the id {id}")]))?;
    let format =
        ExportFormat::from_name(&arguments.format).expect("the command line allows no other");
    let kind = ExportKind::from_name(&arguments.what).expect("the command line allows no other");
    let ids = sale::read_ids(&ledger)?;
    let target = (stored.no, &stored.activity);
    let rows = match &arguments.output {
        None => {
            let sink = Box::new(BufWriter::new(std::io::stdout()));
            write(&ledger, &ids, target, format, kind, sink)?
        }
        Some(path) => {
            let unfinished = path.with_extension("unfinished");
            let file = private(&unfinished)
                .map_err(|error| Failure::Io("the export's file", error.kind()))?;
            let sink = Box::new(BufWriter::new(file));
            let rows = write(&ledger, &ids, target, format, kind, sink)?;
            std::fs::rename(&unfinished, path)
                .map_err(|error| Failure::Io("the export's file", error.kind()))?;
            rows
        }
    };
    eprintln!("{rows} rows");
    Ok(())
}

/// A new file that only its owner may read: exports hold codes.
fn private(path: &Path) -> std::io::Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn write(
    ledger: &dyn Ledger,
    ids: &sale::Ids,
    target: (rules::ActivityNo, &rules::Activity),
    format: ExportFormat,
    kind: ExportKind,
    sink: Box<dyn Write + Send>,
) -> Result<u64, Failure> {
    let writer = ExportWriter::new(format, kind, sink, &std::env::temp_dir());
    let writer = writer.map_err(|fault| Failure::Export(fault.into()))?;
    sale::write_export(ledger, ids, target, kind, writer).map_err(Failure::Export)
}

/// The command `check`.
pub fn check(place: &Place) -> Result<(), Failure> {
    let ledger = SqliteLedger::open_for_reading(&place.data)?;
    let verdict = sale::check::check(&ledger)?;
    println!("{verdict}");
    if verdict.holds() { Ok(()) } else { Err(Failure::Broken) }
}

/// The command `backup`.
pub fn backup(place: &Place, to: &Path) -> Result<(), Failure> {
    let ledger = SqliteLedger::open_for_reading(&place.data)?;
    let named = |fault: LedgerFault| Failure::No(vec![format!("{}: {fault}", to.display())]);
    ledger.backup(to).map_err(named)?;
    println!("wrote {}", to.display());
    Ok(())
}
