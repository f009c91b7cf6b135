//! A server of the rehearsal's own: this same program in a scratch folder on a free loopback port, with an
//! operator made for it. However the rehearsal ends, the server is gone and the folder too.

use super::arguments::no_chance;
use crate::{
    Place,
    commands::Failure,
    parent::{SCRATCH_DATA, SCRATCH_PREFIX, own_program},
};
use rehearsal::http::Operator;
use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Write},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};
use tempfile::TempDir;

/// The operator's name.
const OPERATOR: &str = "rehearsal-operator";
/// Bytes of chance in the operator's password.
const PASSWORD_BYTES: usize = 16;
/// How long the server may take to listen.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Lines of the server's log that are shown when it does not start.
const LOG_LINES: usize = 5;

/// A running server; dropped, it is ended and its folder removed. If this process is killed instead, its end of the
/// server's standard input closes, and the server does both.
pub struct OwnServer {
    folder: TempDir,
    /// It holds the server's standard input.
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Who operates it.
    pub operator: Operator,
}

impl OwnServer {
    /// Starts one with the configuration that was given.
    pub fn start(place: &Place) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir();
        let folder = folder.map_err(|error| Failure::Io("a scratch folder", error.kind()))?;
        let password = password()?;
        let log = File::create(log_of(folder.path()));
        let log = log.map_err(|error| Failure::Io("the scratch folder", error.kind()))?;
        let mut command = program(place, folder.path())?;
        command.args(["serve", "--scratch", "--listen", "127.0.0.1:0"]).stdin(Stdio::piped());
        // In a group of its own, so that Ctrl-C reaches the rehearsal alone and the server ends after it.
        command.stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().map_err(|error| Failure::Io("the server", error.kind()))?;
        let stdout = child.stdout.take().expect("it was piped above");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let operator = Operator::Password { name: OPERATOR.to_owned(), password };
        // From here on whatever fails ends it.
        let mut server = Self { folder, child, address, operator };
        server.address = address_in(stdout).ok_or_else(|| server.not_started())?;
        // Through the running server, so that there is hardly a moment at which nobody would remove the folder.
        server.add_operator(place)?;
        Ok(server)
    }

    fn not_started(&self) -> Failure {
        let log = std::fs::read_to_string(log_of(self.folder.path())).unwrap_or_default();
        let mut lines: Vec<String> = log.lines().rev().take(LOG_LINES).map(str::to_owned).collect();
        lines.push("the server for the rehearsal did not start".to_owned());
        lines.reverse();
        Failure::No(lines)
    }

    fn add_operator(&self, place: &Place) -> Result<(), Failure> {
        let Operator::Password { name, password } = &self.operator else { return Ok(()) };
        let mut command = program(place, self.folder.path())?;
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
        // Killed and not asked to stop: nothing of it is kept, so there is nothing to drain, and whoever gives a
        // rehearsal up waits for nothing. An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("log")
}

/// This program, working on the scratch folder.
fn program(place: &Place, folder: &Path) -> Result<Command, Failure> {
    let own = own_program().map_err(|error| Failure::Io("this program", error.kind()))?;
    let mut command = Command::new(own);
    command.arg("--data").arg(folder.join(SCRATCH_DATA));
    if let Some(config) = &place.config {
        command.arg("--config").arg(config);
    }
    // The configured address may be in use by the server that this machine is for.
    command.env("FIRSTCOME_SERVER_METRICS_LISTEN", "");
    // Units that nobody paid for come back while the sale is still open, as they would in a longer one.
    command.env("FIRSTCOME_PAYMENTS_GRACE_MS", "1000");
    Ok(command)
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
