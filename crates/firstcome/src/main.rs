//! `firstcome`: the command line. It reads arguments and configuration, wires the parts together and starts them;
//! it decides nothing about a sale.

mod clock;
mod commands;
mod config;
mod control;
mod demo;
mod files;
mod listen;
mod log;
mod notify;
mod outside;
mod parent;
mod rehearsals;
mod serve;
mod till;

use clap::{Args, Parser, Subcommand};
use commands::{Failure, import, ledger_reads, people, rehearse};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(
    name = "firstcome",
    version,
    about = "Limited stock sold to a crowd, in the order in which they came"
)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
struct Place {
    /// The folder of the ledger
    #[arg(long, value_name = "DIR", default_value = "firstcome-data", global = true)]
    data: PathBuf,
    /// A configuration file; `firstcome config` prints every setting with its default
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve people and operators over HTTP until told to stop
    Serve {
        /// Add sample activities and users, and print their passwords
        #[arg(long)]
        demo: bool,
        /// The address to listen on, instead of the configured one
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// A rehearsal's own server: it ends with its standard input, and its folder with it
        #[arg(long, hide = true)]
        scratch: bool,
    },
    /// Import activities from TOML or JSON files: all or nothing
    Import {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Change texts, image and a later end of activities that exist
        #[arg(long)]
        update: bool,
    },
    /// Export an activity's orders or participants
    Export(ledger_reads::ExportArguments),
    /// Add, import or list people
    #[command(subcommand)]
    User(people::UserCommand),
    /// Recompute the promises from the ledger and say whether each holds
    Check,
    /// Write a consistent copy of the ledger, also while it is being served
    Backup {
        /// The copy; must not exist
        file: PathBuf,
    },
    /// Send a crowd of simulated people at a server, and judge what it answered them
    ///
    /// Without a URL the server is this same program in a scratch folder, and nothing of it stays; at the end it
    /// is stopped and its ledger checked as `firstcome check` does. The verdict is on the promises: never
    /// oversold, answers kept, one person one limit, codes once and in order, first come first served, ask
    /// again hear the same, time decides once (and money balances). Exit code 0: all of them hold; 1: one is
    /// broken, or nothing could be judged; 2: used wrongly
    Rehearse(Box<rehearse::RehearseArguments>),
    /// Print every setting with its default
    Config,
}

fn main() -> ExitCode {
    // A wrong use is exit code 2, as clap has it.
    let Arguments { place, command } = Arguments::parse();
    match run(&place, command) {
        Ok(()) => {
            log::end();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            log::last_words(&format!("firstcome: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(place: &Place, command: Command) -> Result<(), Failure> {
    if let Command::Config = command {
        print!("{}", config::DEFAULTS);
        return Ok(());
    }
    let config = config::Config::read(place.config.as_deref()).map_err(Failure::Config)?;
    log::start(&config.log_level);
    match command {
        Command::Serve { demo, listen, scratch: false } => {
            serve::serve(place, &config, demo, listen, None)
        }
        Command::Serve { demo, listen, scratch: true } => {
            parent::with_parent(&place.data, |parent| {
                serve::serve(place, &config, demo, listen, Some(parent))
            })
        }
        Command::Import { files, update } => import::import(place, &config, &files, update),
        Command::Export(arguments) => ledger_reads::export(place, &arguments),
        Command::User(command) => people::run(place, &config, command),
        Command::Check => ledger_reads::check(place),
        Command::Backup { file } => ledger_reads::backup(place, &file),
        Command::Rehearse(arguments) => rehearse::rehearse(place, &arguments),
        Command::Config => Ok(()),
    }
}
