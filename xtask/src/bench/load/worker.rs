//! One thread of the load generator: its share of the connections behind one epoll.
//! It sleeps only in epoll, and stops by the clock it was given.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::Clock;
use super::connection::{Connection, Look};
use super::response::RESPONSE_BYTES_MAX;
use super::script::{Heard, Script};
use super::tally::Tally;
use crate::bench::fault::{BenchFault, io};

/// As many as one look into epoll brings back.
const EVENTS_MAX: usize = 256;

pub struct Worker {
    server: SocketAddr,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    request: Vec<u8>,
    ready: Vec<usize>,
}

impl Worker {
    pub fn connect(server: SocketAddr, connections: usize) -> Result<Self, BenchFault> {
        let poll = Poll::new().map_err(io("opening epoll"))?;
        let open = |index| Connection::open(server, poll.registry(), Token(index));
        let connections: Result<Vec<_>, _> = (0..connections).map(open).collect();
        Ok(Self {
            server,
            connections: connections.map_err(io("connecting to a server"))?,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; RESPONSE_BYTES_MAX],
            request: Vec::new(),
            ready: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Opens anew what the server has closed while it was idle.
    pub fn revive(&mut self) -> Result<(), BenchFault> {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            if !connection.alive() {
                *connection = Connection::open(self.server, self.poll.registry(), Token(index))
                    .map_err(io("connecting again"))?;
            }
        }
        Ok(())
    }

    /// One slice.
    pub fn run(&mut self, script: &Script<'_>, clock: Clock) -> Result<Tally, BenchFault> {
        let mut tally = Tally::default();
        let cpu_before = own_cpu();
        let mut in_flight = self.send_first(script)?;
        let mut last_answer = clock.started;
        while in_flight > 0 {
            self.wait(clock)?;
            self.ready.clear();
            self.ready.extend(self.events.iter().map(|event| event.token().0));
            for at in 0..self.ready.len() {
                let index = self.ready[at];
                let answered = self.hear(index, script, clock, &mut tally)?;
                if let Some(now) = answered {
                    last_answer = now;
                    in_flight -= usize::from(!self.ask_again(index, script, clock, now)?);
                }
            }
        }
        // Nobody left to ask ends a slice before its deadline.
        tally.length = last_answer.min(clock.deadline) - clock.started;
        tally.own_cpu = own_cpu().saturating_sub(cpu_before);
        Ok(tally)
    }

    fn send_first(&mut self, script: &Script<'_>) -> Result<usize, BenchFault> {
        let mut sent = 0;
        for connection in &mut self.connections {
            if script.next_request(&mut self.request) {
                let now = Instant::now();
                connection.send(&self.request, now).map_err(io("sending a request"))?;
                sent += 1;
            }
        }
        Ok(sent)
    }

    fn wait(&mut self, clock: Clock) -> Result<(), BenchFault> {
        let left = clock.give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(BenchFault::TooLate("answers to the last requests of a slice"));
        }
        match self.poll.poll(&mut self.events, Some(left.min(Duration::from_secs(1)))) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                Err(BenchFault::Io("waiting in epoll", error))
            }
            _ => Ok(()),
        }
    }

    /// Reads from one connection; the moment of its answer, once that is whole.
    fn hear(
        &mut self,
        index: usize,
        script: &Script<'_>,
        clock: Clock,
        tally: &mut Tally,
    ) -> Result<Option<Instant>, BenchFault> {
        let connection = &mut self.connections[index];
        if !connection.in_flight {
            return Ok(None);
        }
        let sent_at = connection.sent_at;
        match connection.look(&mut self.buffer).map_err(io("reading an answer"))? {
            Look::Waiting => Ok(None),
            Look::Broken(bytes) => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
                Err(BenchFault::Process("an answer was cut off or cannot be read", start))
            }
            Look::Answer(head, bytes) => {
                let now = Instant::now();
                tally.note_time(now - sent_at);
                tally.in_time += u64::from(now <= clock.deadline);
                match script.expect().judge(head, &bytes[head.body_at..head.end]) {
                    Heard::Expected => tally.expected += 1,
                    Heard::Queued => tally.queued += 1,
                    Heard::Unexpected => tally.note_unexpected(bytes),
                }
                Ok(Some(now))
            }
        }
    }

    /// Sends the next request unless the slice is over; whether one is in flight again.
    fn ask_again(
        &mut self,
        index: usize,
        script: &Script<'_>,
        clock: Clock,
        now: Instant,
    ) -> Result<bool, BenchFault> {
        let more = now < clock.deadline && script.next_request(&mut self.request);
        if more {
            self.connections[index].send(&self.request, now).map_err(io("sending a request"))?;
        }
        Ok(more)
    }
}

/// CPU time of this thread so far; nothing where the kernel does not tell.
pub fn own_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|digits| digits.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
