//! One keep-alive connection with at most one request in flight.
//! It never sends a second request before the first is answered, and never a second try.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::response::{self, Parsed, RESPONSE_BYTES_MAX};

/// What a look at a readable connection showed.
pub enum Look<'a> {
    /// The answer is not whole yet.
    Waiting,
    /// One whole answer.
    Answer(response::Head, &'a [u8]),
    /// The server closed, or what it sent cannot be read.
    Broken(&'a [u8]),
}

pub struct Connection {
    stream: TcpStream,
    /// What came of an answer that is not whole yet; empty nearly always.
    stash: Vec<u8>,
    /// When the request in flight left.
    pub sent_at: Instant,
    pub in_flight: bool,
}

impl Connection {
    pub fn open(server: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        // Connecting waits, so that a full backlog slows us down here and not in the middle of a slice.
        let stream = std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE)?;
        Ok(Self { stream, stash: Vec::new(), sent_at: Instant::now(), in_flight: false })
    }

    /// Whether the server still holds the other end of an idle connection.
    pub fn alive(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends one request; a kernel that does not take a few hundred bytes at once is a fault.
    pub fn send(&mut self, request: &[u8], now: Instant) -> io::Result<()> {
        self.sent_at = now;
        self.in_flight = true;
        match self.stream.write(request)? {
            written if written == request.len() => Ok(()),
            _ => Err(ErrorKind::WriteZero.into()),
        }
    }

    /// Reads what is there. `buffer` is shared by all connections of a worker and is
    /// [`RESPONSE_BYTES_MAX`] long.
    pub fn look<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Look<'a>> {
        let mut filled = self.stash.len();
        buffer[..filled].copy_from_slice(&self.stash);
        self.stash.clear();
        loop {
            if filled == RESPONSE_BYTES_MAX {
                return Ok(Look::Broken(&buffer[..filled]));
            }
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => return Ok(Look::Broken(&buffer[..filled])),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stash.extend_from_slice(&buffer[..filled]);
                    return Ok(Look::Waiting);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            // A whole answer is the last thing in the socket, so there is no need to read until it is empty.
            match response::parse(&buffer[..filled]) {
                Parsed::Partial => {}
                Parsed::Whole(head) => {
                    self.in_flight = false;
                    return Ok(Look::Answer(head, &buffer[..filled]));
                }
                Parsed::Broken => return Ok(Look::Broken(&buffer[..filled])),
            }
        }
    }
}
