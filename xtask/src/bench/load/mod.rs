//! The load generator: keep-alive connections over epoll, requests built beforehand, answers parsed just enough.
//! It must stay much cheaper than any server, and it talks to 127.0.0.1 only.

mod connection;
mod response;
mod script;
mod tally;
#[cfg(test)]
mod tests;
mod worker;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use script::{Expect, Script, Tokens};
pub use tally::Tally;
use worker::Worker;
pub use worker::own_cpu;

use super::fault::BenchFault;

/// As many as the machines for which this is meant have cores.
const WORKERS: usize = 2;

/// How long an answer may take after the last request of a slice.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// A fixed number of connections to one server, shared out over the workers.
pub struct Pool {
    workers: Vec<Worker>,
}

/// When a slice ends: after a time, or earlier when its script has nothing left to ask.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the first request leaves.
    pub started: Instant,
    /// No request leaves after it.
    pub deadline: Instant,
    /// No answer is waited for after it.
    pub give_up: Instant,
}

impl Pool {
    /// Opens `connections` to `server`.
    pub fn connect(server: SocketAddr, connections: usize) -> Result<Self, BenchFault> {
        assert!(server.ip().is_loopback(), "the load generator talks to 127.0.0.1 only");
        let share = |index: usize| (connections + index) / WORKERS;
        let workers = (0..WORKERS).map(|index| Worker::connect(server, share(index)));
        Ok(Self { workers: workers.collect::<Result<_, _>>()? })
    }

    /// Keeps one request in flight on each connection for `length`, then waits for the last answers.
    pub fn run(&mut self, script: &Script<'_>, length: Duration) -> Result<Tally, BenchFault> {
        for worker in &mut self.workers {
            worker.revive()?;
        }
        let started = Instant::now();
        let deadline = started + length;
        let clock = Clock { started, deadline, give_up: deadline + DRAIN_MAX };
        let tallies: Vec<Result<Tally, BenchFault>> = std::thread::scope(|scope| {
            let run = |worker| scope.spawn(move || Worker::run(worker, script, clock));
            let threads: Vec<_> = self.workers.iter_mut().map(run).collect();
            threads.into_iter().map(|thread| thread.join().expect("a worker panicked")).collect()
        });
        let mut total = Tally::default();
        for tally in tallies {
            total.add(&tally?);
        }
        Ok(total)
    }
}
