//! Bytes as they are, on a socket of their own: what a client says that keeps no rule.
//! It knows how a connection ended, and nothing of how it should.

use crate::world::PATIENCE;
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// How a connection ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Everything that was read until then.
    pub text: String,
    /// Whether it ended in order, and not by a reset.
    pub orderly: bool,
    /// How long that took.
    pub after: Duration,
}

impl Ended {
    /// The status of the last answer in it; 0 if there is none.
    pub fn status(&self) -> u16 {
        let Some(at) = self.text.rfind("HTTP/1.") else { return 0 };
        let status = self.text[at..].split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or(0)
    }

    /// The envelope of the last answer.
    pub fn envelope(&self) -> serde_json::Value {
        let (_, body) = self.text.rsplit_once("\r\n\r\n").expect("an answer");
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no envelope: {}", self.text))
    }
}

/// A new connection, with bounds on everything.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
    stream.set_write_timeout(Some(PATIENCE)).expect("a bound");
    stream.set_nodelay(true).expect("an option");
    stream
}

/// Reads until the other end has closed; it must, some time.
pub fn until_end(stream: &mut TcpStream) -> Ended {
    let begun = Instant::now();
    let (mut bytes, mut part) = (Vec::new(), [0; 65_536]);
    let orderly = loop {
        match stream.read(&mut part) {
            Ok(0) => break true,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it is still open");
                break false;
            }
        }
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ended { text, orderly, after: begun.elapsed() }
}

/// Says this, and reads until the other end has closed.
pub fn say(address: &str, bytes: &[u8]) -> Ended {
    let mut stream = connect(address);
    // The answer may come, and the connection end, before all of it is said.
    let _ = stream.write_all(bytes);
    until_end(&mut stream)
}
