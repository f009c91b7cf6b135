//! A server of the rehearsal's own: this same program in a scratch folder on a free loopback port, with an
//! operator made for it. However the rehearsal ends, the server is gone and the folder too.

use super::{arguments::no_chance, port};
use crate::{
    Place,
    commands::Failure,
    parent::{SCRATCH_DATA, SCRATCH_PREFIX, own_program},
};
use ledger::SqliteLedger;
use parking_lot::Mutex;
use rehearsal::{
    http::{Mortal, Operator},
    report::LedgerChecked,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Write},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The operator's name.
const OPERATOR: &str = "rehearsal-operator";
/// Bytes of chance in the operator's password.
const PASSWORD_BYTES: usize = 16;
/// How long the server may take to listen.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to stop when it is asked to, and how often that is looked at.
const STOP_WITHIN: Duration = Duration::from_secs(30);
const STOP_EVERY: Duration = Duration::from_millis(10);
/// Lines of the server's log that are shown when it does not start.
const LOG_LINES: usize = 5;

/// A running server; dropped, it is ended and its folder removed. If this process is killed instead, its end of the
/// server's standard input closes, and the server does both.
pub struct OwnServer {
    running: Arc<Running>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Who operates it.
    pub operator: Operator,
}

/// The process, which may be another one after each kill, and its folder.
struct Running {
    folder: TempDir,
    config: Option<PathBuf>,
    state: Mutex<State>,
}

/// Where it listens, and the process; it holds the server's standard input.
struct State {
    address: SocketAddr,
    child: Option<Child>,
    /// The rehearsal is over: nothing is started any more.
    over: bool,
}

impl OwnServer {
    /// Starts one with the configuration that was given. One that is to be killed listens where nobody else is given
    /// its port while it is away.
    pub fn start(place: &Place, is_killed: bool) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir();
        let folder = folder.map_err(|error| Failure::Io("a scratch folder", error.kind()))?;
        let password = password()?;
        let address = SocketAddr::from(([127, 0, 0, 1], if is_killed { port::own() } else { 0 }));
        let state = Mutex::new(State { address, child: None, over: false });
        let running = Arc::new(Running { folder, config: place.config.clone(), state });
        let operator = Operator::Password { name: OPERATOR.to_owned(), password };
        // From here on whatever fails ends it.
        let mut server = Self { running, address, operator };
        server.address = server.running.begin()?;
        // Through the running server, so that there is hardly a moment at which nobody would remove the folder.
        server.add_operator()?;
        Ok(server)
    }

    /// It as what may be killed and started again.
    pub fn mortal(&self) -> Arc<dyn Mortal> {
        Arc::clone(&self.running) as Arc<dyn Mortal>
    }

    /// Stops it in order and recomputes the promises from its ledger, as `firstcome check` does.
    pub fn stop_and_check(&self) -> Result<LedgerChecked, Failure> {
        self.running.stop()?;
        let ledger = SqliteLedger::open_for_reading(&data_in(self.running.folder.path()))?;
        let verdict = sale::check::check(&ledger)?;
        let report = verdict.to_string();
        Ok(LedgerChecked { holds: verdict.holds(), report: report.trim_end().to_owned() })
    }

    fn add_operator(&self) -> Result<(), Failure> {
        let Operator::Password { name, password } = &self.operator else { return Ok(()) };
        let mut command = self.running.program()?;
        command.args(["user", "add", name, "--role", "operator", "--password-stdin"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let failed = |kind: ErrorKind| Failure::Io("an operator for the rehearsal", kind);
        let mut child = command.spawn().map_err(|error| failed(error.kind()))?;
        let mut stdin = child.stdin.take().expect("it was piped above");
        let written = writeln!(stdin, "{password}");
        drop(stdin);
        let output = child.wait_with_output().map_err(|error| failed(error.kind()))?;
        if !output.status.success() || written.is_err() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::No(vec![
                "no operator for the rehearsal could be added".to_owned(),
                said,
            ]));
        }
        Ok(())
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let mut state = self.running.state.lock();
        state.over = true;
        state.end();
    }
}

impl State {
    /// Killed and not asked to stop: whoever gives a rehearsal up waits for nothing. An error means that it has ended
    /// already.
    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Running {
    /// Starts the process, and says where it listens once it does.
    fn begin(&self) -> Result<SocketAddr, Failure> {
        let log = File::options().append(true).create(true).open(log_of(self.folder.path()));
        let log = log.map_err(|error| Failure::Io("the scratch folder", error.kind()))?;
        let stdout = self.spawn(log)?;
        let address = address_in(stdout).ok_or_else(|| self.not_started())?;
        self.state.lock().address = address;
        Ok(address)
    }

    fn spawn(&self, log: File) -> Result<ChildStdout, Failure> {
        let mut state = self.state.lock();
        let failed = |kind| Failure::Io("the server", kind);
        if state.over {
            return Err(failed(ErrorKind::Interrupted));
        }
        let mut command = self.program()?;
        command.args(["serve", "--scratch", "--listen", &state.address.to_string()]);
        // In a group of its own, so that Ctrl-C reaches the rehearsal alone and the server ends after it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.kind()))?;
        let stdout = child.stdout.take().expect("it was piped above");
        state.child = Some(child);
        Ok(stdout)
    }

    fn not_started(&self) -> Failure {
        let log = std::fs::read_to_string(log_of(self.folder.path())).unwrap_or_default();
        let mut lines: Vec<String> = log.lines().rev().take(LOG_LINES).map(str::to_owned).collect();
        lines.push("the server for the rehearsal did not start".to_owned());
        lines.reverse();
        Failure::No(lines)
    }

    /// Asks it to stop, and waits until it has.
    fn stop(&self) -> Result<(), Failure> {
        let mut state = self.state.lock();
        let Some(child) = &mut state.child else { return Ok(()) };
        let failed = |error: io::Error| Failure::Io("the end of the server", error.kind());
        let asked = kill_process(Pid::from_child(child), Signal::TERM);
        asked.map_err(|error| failed(error.into()))?;
        let until = Instant::now() + STOP_WITHIN;
        while child.try_wait().map_err(failed)?.is_none() {
            if Instant::now() >= until {
                return Err(failed(ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(STOP_EVERY);
        }
        state.child = None;
        Ok(())
    }

    /// This program, working on the scratch folder.
    fn program(&self) -> Result<Command, Failure> {
        let own = own_program().map_err(|error| Failure::Io("this program", error.kind()))?;
        let mut command = Command::new(own);
        command.arg("--data").arg(data_in(self.folder.path()));
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        // The configured address may be in use by the server that this machine is for.
        command.env("FIRSTCOME_SERVER_METRICS_LISTEN", "");
        // Units that nobody paid for come back while the sale is still open, as they would in a longer one.
        command.env("FIRSTCOME_PAYMENTS_GRACE_MS", "1000");
        Ok(command)
    }
}

impl Mortal for Running {
    fn kill(&self) -> io::Result<()> {
        let until = Instant::now() + START_WITHIN;
        loop {
            let mut state = self.state.lock();
            if let Some(child) = &mut state.child {
                child.kill()?;
                child.wait()?;
                state.child = None;
                return Ok(());
            }
            if state.over || Instant::now() >= until {
                return Err(ErrorKind::NotFound.into());
            }
            // It is being started at this moment.
            drop(state);
            std::thread::sleep(STOP_EVERY);
        }
    }

    fn start(&self) -> io::Result<()> {
        match self.begin() {
            Ok(_) => Ok(()),
            Err(Failure::Io(_, kind)) => Err(kind.into()),
            Err(_) => Err(ErrorKind::NotConnected.into()),
        }
    }
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn data_in(folder: &Path) -> PathBuf {
    folder.join(SCRATCH_DATA)
}

fn password() -> Result<String, Failure> {
    let mut raw = [0; PASSWORD_BYTES];
    getrandom::fill(&mut raw).map_err(|_| no_chance())?;
    Ok(raw.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where the server says that it listens; `None` if it ends or takes too long.
fn address_in(stdout: ChildStdout) -> Option<SocketAddr> {
    let (tell, told) = mpsc::channel();
    // A thread, because a read of a pipe cannot be given a deadline. It ends with the server's output.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let address = line.strip_prefix("listening on http://").map(str::parse);
            if let Some(Ok(address)) = address {
                // Nobody may be waiting any more; reading on keeps the server's output from filling up.
                let _ = tell.send(address);
            }
        }
    });
    told.recv_timeout(START_WITHIN).ok()
}
