//! Those who were turned away and have perhaps not read why: their connections stay open for a moment, without a
//! task, a timer or a look at what they send. There are never more than so many.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// Connections that are kept; one more ends the oldest of them.
const LEAVING_MAX: usize = 256;
/// How long each is kept, where there is room.
const LEAVING_FOR: Duration = Duration::from_millis(500);
/// Reads that throw away what somebody still sent, of 4 KiB each. Whoever sends more is not reading.
const READS_MAX: usize = 8;

/// The connections, the oldest first.
#[derive(Default)]
pub struct Leaving {
    connections: VecDeque<(Instant, TcpStream)>,
}

impl Leaving {
    /// Says the last words to a connection that never blocks. They fit into the empty buffer of the socket, or
    /// nobody reads them.
    pub fn part(&mut self, mut stream: TcpStream, words: &'static [u8], now: Instant) {
        if stream.write(words).is_err() || stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        if self.connections.len() == LEAVING_MAX {
            self.end_oldest();
        }
        self.connections.push_back((now, stream));
    }

    /// When the next one has had its time.
    pub fn next_at(&self) -> Option<Instant> {
        self.connections.front().map(|(since, _)| *since + LEAVING_FOR)
    }

    /// Closes those who have had their time.
    pub fn end_late(&mut self, now: Instant) {
        while self.next_at().is_some_and(|at| at <= now) {
            self.end_oldest();
        }
    }

    fn end_oldest(&mut self) {
        if let Some(oldest) = self.connections.pop_front() {
            end(oldest);
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.connections.drain(..).for_each(end);
    }
}

/// Closes one. What came and was not read would turn the end into a reset, which destroys the last words.
fn end((_, mut stream): (Instant, TcpStream)) {
    let mut bytes = [0; 4096];
    for _ in 0..READS_MAX {
        // Less than there is room for was all there was.
        if !matches!(stream.read(&mut bytes), Ok(read) if read == bytes.len()) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const WORDS: &[u8] = b"busy";

    /// Both ends of a connection whose client has sent a request.
    fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"a request that nobody reads").unwrap();
        let (server, _) = listener.accept().unwrap();
        let mut byte = [0];
        server.peek(&mut byte).unwrap();
        server.set_nonblocking(true).unwrap();
        (client, server)
    }

    fn heard(client: &mut TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_last_words_are_heard_even_after_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let now = Instant::now();
        for end in [false, true] {
            let mut leaving = Leaving::default();
            let (mut client, server) = pair(&listener);
            leaving.part(server, WORDS, now);
            if end {
                leaving.end_late(now + LEAVING_FOR);
                assert_eq!(leaving.next_at(), None);
            }
            assert_eq!(heard(&mut client), WORDS, "{end}");
        }
    }

    #[test]
    fn nobody_is_ended_early_while_there_is_room_and_the_oldest_first_when_there_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut leaving, now) = (Leaving::default(), Instant::now());
        let later = now + Duration::from_millis(1);
        let mut clients = Vec::new();
        for number in 0..=LEAVING_MAX {
            let (client, server) = pair(&listener);
            leaving.part(server, WORDS, if number == 0 { now } else { later });
            clients.push(client);
        }
        assert_eq!(leaving.connections.len(), LEAVING_MAX);
        assert_eq!(leaving.next_at(), Some(later + LEAVING_FOR));
        leaving.end_late(now + LEAVING_FOR);
        assert_eq!(leaving.connections.len(), LEAVING_MAX);
        for client in &mut clients {
            assert_eq!(heard(client), WORDS);
        }
    }
}
