//! The processes of a run: start, CPU time, memory, stop; each is killed when the run drops it.
//! Only processes started here are ever signalled.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::client::Client;
use super::fault::{BenchFault, io};

/// A drain, a last commit, a checkpoint of a large ledger.
const STOP_MAX: Duration = Duration::from_secs(60);
/// Far beyond the two seconds that are asked of it, so that a slow start is measured and not cut off.
const READY_MAX: Duration = Duration::from_secs(120);
/// How much of a log is shown when something went wrong.
const LOG_SHOWN_BYTES: usize = 4_000;

/// A server under load.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    log: PathBuf,
}

/// CPU time by thread, in nanoseconds, at one moment.
#[derive(Clone, Debug)]
pub struct CpuTimes(BTreeMap<u32, u64>);

impl CpuTimes {
    /// What all threads used between `before` and now. A thread that ended in between is not seen;
    /// the threads that answer requests live as long as their server.
    pub fn since(&self, before: &Self) -> Duration {
        let used = self.0.iter().map(|(thread, nanos)| {
            nanos.saturating_sub(before.0.get(thread).copied().unwrap_or(0))
        });
        Duration::from_nanos(used.sum())
    }
}

impl Process {
    /// Starts the no-op server, which is this very program.
    pub fn noop(scratch: &Path) -> Result<Self, BenchFault> {
        let program = std::env::current_exe().map_err(io("finding this program"))?;
        let log = scratch.join("noop.log");
        let mut child = Command::new(program)
            .arg("bench-noop-server")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(create(&log)?)
            .spawn()
            .map_err(io("starting the no-op server"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output was asked for");
        BufReader::new(stdout).read_line(&mut line).map_err(io("reading the no-op's address"))?;
        let address = line.trim().parse();
        Ok(Self {
            child,
            address: address.map_err(|_| BenchFault::Missing("the no-op's address"))?,
            log,
        })
    }

    /// Starts our server on `data` and waits until it is ready; also how long that took from its start.
    pub fn serve(setup: &Setup, data: &Path) -> Result<(Self, Duration), BenchFault> {
        let address = free_address()?;
        let log = data.with_extension("log");
        let mut command = setup.command("serve", data);
        command.arg("--listen").arg(address.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(create(&log)?);
        let started = Instant::now();
        let child = command.spawn().map_err(io("starting the server"))?;
        let mut process = Self { child, address, log };
        match Client::new(address).wait_ready(started, READY_MAX) {
            Ok(took) => Ok((process, took)),
            Err(_) => {
                let _ = process.child.kill();
                Err(process.fault("the server did not become ready"))
            }
        }
    }

    /// CPU time of every thread.
    pub fn cpu(&self) -> Result<CpuTimes, BenchFault> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        let threads = fs::read_dir(&tasks).map_err(io("reading the threads of a server"))?;
        let times = threads.filter_map(|entry| {
            let thread = entry.ok()?;
            // A thread may end between the list and this look at it.
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanos = text.split(' ').next()?.parse().ok()?;
            Some((thread.file_name().to_str()?.parse().ok()?, nanos))
        });
        Ok(CpuTimes(times.collect()))
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> Result<u64, BenchFault> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(path).map_err(io("reading the memory of a server"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or(BenchFault::Missing("VmRSS"))
    }

    /// SIGTERM, then waits for a clean end.
    pub fn stop(mut self) -> Result<(), BenchFault> {
        self.signal(Signal::TERM)?;
        let started = Instant::now();
        while started.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait().map_err(io("waiting for a server"))? {
                let clean = status.success();
                return if clean { Ok(()) } else { Err(self.fault("a server ended badly")) };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(self.fault("a server did not end after SIGTERM"))
    }

    /// SIGKILL: no last commit, no checkpoint.
    pub fn kill(mut self) -> Result<(), BenchFault> {
        self.signal(Signal::KILL)?;
        self.child.wait().map(drop).map_err(io("waiting for a killed server"))
    }

    fn signal(&self, signal: Signal) -> Result<(), BenchFault> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(BenchFault::Missing("the process id of a server"))?;
        kill_process(pid, signal).map_err(|error| BenchFault::Io("signalling", error.into()))
    }

    /// A fault of this process, with the end of its log.
    pub fn fault(&self, what: &'static str) -> BenchFault {
        let text = fs::read(&self.log).unwrap_or_default();
        let shown = &text[text.len().saturating_sub(LOG_SHOWN_BYTES)..];
        BenchFault::Process(what, String::from_utf8_lossy(shown).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended, most of the time; then both calls do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How our server is started: with its defaults, for those are what people will run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// Variables for the server alone.
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl Setup {
    /// The program with one of its own commands, free of what the caller's environment says to it.
    pub fn command(&self, name: &str, data: &Path) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("FIRSTCOME_") {
                command.env_remove(key);
            }
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.arg(name).arg("--data").arg(data);
        command
    }

    /// Runs one of its commands to the end, with `input`; what it printed.
    pub fn run(&self, command: &mut Command, input: &str) -> Result<String, BenchFault> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io("starting the program"))?;
        let mut stdin = child.stdin.take().expect("its input was asked for");
        stdin.write_all(input.as_bytes()).map_err(io("writing to the program"))?;
        drop(stdin);
        let output = child.wait_with_output().map_err(io("waiting for the program"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(BenchFault::Process("a command of the program failed", text + &errors))
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
fn free_address() -> Result<SocketAddr, BenchFault> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io("finding a free port"))?;
    listener.local_addr().map_err(io("finding a free port"))
}

fn create(path: &Path) -> Result<File, BenchFault> {
    File::create(path).map_err(io("creating a log file"))
}
