//! A server of the rehearsal's own: this same program in a scratch folder on a free loopback port, with an
//! operator made for it. However the rehearsal ends, the server is stopped and the folder is gone.

use super::arguments::no_chance;
use crate::{Place, commands::Failure};
use rehearsal::http::Operator;
use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Write},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The operator's name.
const OPERATOR: &str = "rehearsal-operator";
/// Bytes of chance in the operator's password.
const PASSWORD_BYTES: usize = 16;
/// How long the server may take to listen.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to stop after it was asked to: longer than it drains by default.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks whether it has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of the server's log that are shown when it does not start.
const LOG_LINES: usize = 5;

/// A running server; dropped, it is stopped and its folder removed.
pub struct OwnServer {
    folder: TempDir,
    child: Option<Child>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Who operates it.
    pub operator: Operator,
}

impl OwnServer {
    /// Starts one with the configuration that was given.
    pub fn start(place: &Place) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("firstcome-rehearsal-").tempdir();
        let folder = folder.map_err(|error| Failure::Io("a scratch folder", error.kind()))?;
        let operator = add_operator(place, folder.path())?;
        let log = File::create(log_of(folder.path()));
        let log = log.map_err(|error| Failure::Io("the scratch folder", error.kind()))?;
        let mut command = program(place, folder.path())?;
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdin(Stdio::null());
        // In a group of its own, so that Ctrl-C reaches the rehearsal alone and the server ends after it.
        command.stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().map_err(|error| Failure::Io("the server", error.kind()))?;
        let stdout = child.stdout.take().expect("it was piped above");
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        // From here on whatever fails stops it.
        let mut server = Self { folder, child: Some(child), address: unknown, operator };
        server.address = address_in(stdout).ok_or_else(|| server.not_started())?;
        Ok(server)
    }

    fn not_started(&self) -> Failure {
        let log = std::fs::read_to_string(log_of(self.folder.path())).unwrap_or_default();
        let mut lines: Vec<String> = log.lines().rev().take(LOG_LINES).map(str::to_owned).collect();
        lines.push("the server for the rehearsal did not start".to_owned());
        lines.reverse();
        Failure::No(lines)
    }

    /// Asks it to stop, and waits until it has; what does not stop in time is killed.
    fn stop(child: &mut Child) {
        let pid = rustix::process::Pid::from_child(child);
        // An error means that it has ended already, and the wait below sees that.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < STOP_WITHIN {
            match child.try_wait() {
                Ok(None) => std::thread::sleep(LOOK_EVERY),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            Self::stop(&mut child);
        }
    }
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("log")
}

/// This program, working on the scratch folder.
fn program(place: &Place, folder: &Path) -> Result<Command, Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::Io("this program", error.kind()))?;
    let mut command = Command::new(own);
    command.arg("--data").arg(folder.join("data"));
    if let Some(config) = &place.config {
        command.arg("--config").arg(config);
    }
    // The configured address may be in use by the server that this machine is for.
    command.env("FIRSTCOME_SERVER_METRICS_LISTEN", "");
    Ok(command)
}

fn add_operator(place: &Place, folder: &Path) -> Result<Operator, Failure> {
    let mut raw = [0; PASSWORD_BYTES];
    getrandom::fill(&mut raw).map_err(|_| no_chance())?;
    let password: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = program(place, folder)?;
    command.args(["user", "add", OPERATOR, "--role", "operator", "--password-stdin"]);
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
    Ok(Operator::Password { name: OPERATOR.to_owned(), password })
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
