//! Receivers of webhooks for the benchmark: one that takes everything and notes in which order, one that never answers.
//! They must stay much cheaper than the server that sends, and they live until the program ends.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::fault::{BenchFault, io};

/// Bytes of the largest request that is taken.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// What a receiver has heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// Facts, each counted once.
    pub facts: usize,
    /// Facts that came before the one in front of them.
    pub skipped: usize,
    /// When the last new one came.
    pub last: Instant,
}

/// By activity the highest number.
struct Book {
    heard: Heard,
    highest: HashMap<String, u64>,
}

/// Takes everything.
pub struct Receiver {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Receiver {
    /// Begins to listen.
    pub fn listen() -> Result<Self, BenchFault> {
        let heard = Heard { facts: 0, skipped: 0, last: Instant::now() };
        let book = Arc::new(Mutex::new(Book { heard, highest: HashMap::new() }));
        let kept = Arc::clone(&book);
        let address = accept(move |stream| serve(stream, &book))?;
        Ok(Self { address, book: kept })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it has heard so far.
    pub fn heard(&self) -> Heard {
        self.book.lock().expect("no panic").heard
    }
}

/// Takes connections and requests, and never answers.
pub struct Dead(SocketAddr);

impl Dead {
    /// Begins to listen.
    pub fn listen() -> Result<Self, BenchFault> {
        let silent = |mut stream: TcpStream| {
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        };
        accept(silent).map(Self)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.0)
    }
}

fn accept(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Result<SocketAddr, BenchFault> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io("listening for webhooks"))?;
    let address = listener.local_addr().map_err(io("listening for webhooks"))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream, book: &Mutex<Book>) {
    // An answer waits for nothing; failing to say so only makes it slower.
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0; REQUEST_BYTES_MAX];
    let mut filled = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += read;
        while let Some((id, length)) = request(&buffer[..filled]) {
            book.lock().expect("no panic").note(&id);
            buffer.copy_within(length..filled, 0);
            filled -= length;
            if stream.write_all(TAKEN).is_err() {
                return;
            }
        }
    }
}

/// The webhook-id of the first request, and its length; nothing as long as it is not whole.
fn request(bytes: &[u8]) -> Option<(String, usize)> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let field = |name: &[u8]| {
        let value = &bytes[memchr::memmem::find(&bytes[..head], name)? + name.len()..head];
        std::str::from_utf8(&value[..memchr::memchr(b'\r', value)?]).ok()
    };
    let length: usize = field(b"\r\ncontent-length: ")?.parse().ok()?;
    let whole = head + length;
    (bytes.len() >= whole).then_some((field(b"\r\nwebhook-id: ")?.to_owned(), whole))
}

impl Book {
    fn note(&mut self, id: &str) {
        let Some((activity, no)) = id.split_once('/') else { return };
        let no: u64 = no.parse().unwrap_or(0);
        let highest = match self.highest.get_mut(activity) {
            Some(highest) => highest,
            None => self.highest.entry(activity.to_owned()).or_default(),
        };
        if no > *highest {
            self.heard.skipped += (no - *highest - 1) as usize;
            self.heard.facts += 1;
            self.heard.last = Instant::now();
            *highest = no;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let whole = b"POST /hook HTTP/1.1\r\nwebhook-id: a/7\r\ncontent-length: 2\r\n\r\n{}POST";
        assert_eq!(request(whole), Some(("a/7".to_owned(), whole.len() - 4)));
        assert_eq!(request(&whole[..whole.len() - 5]), None);
    }

    #[test]
    fn what_is_left_out_is_seen_and_what_comes_twice_counts_once() {
        let heard = Heard { facts: 0, skipped: 0, last: Instant::now() };
        let mut book = Book { heard, highest: HashMap::new() };
        for id in ["a/1", "a/2", "a/2", "b/1", "a/5"] {
            book.note(id);
        }
        assert_eq!((book.heard.facts, book.heard.skipped), (4, 2));
    }
}
