//! A receiver of webhooks on a real socket: it keeps what it was sent, in the order in which it came, and answers as a
//! test tells it to. Nothing here knows what it should be sent.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
};

/// The status of an answer that never comes.
const NEVER: u16 = 0;

/// Header lines, names in lower case.
type Headers = Vec<(String, String)>;

/// What came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// How it was answered; 0: not at all.
    pub answered: u16,
}

impl Received {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body is JSON")
    }
}

/// A receiver that listens as long as it lives.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    received: Mutex<Vec<Received>>,
    status: AtomicU16,
    ended: AtomicBool,
}

impl Receiver {
    /// One that takes everything.
    pub fn willing() -> Self {
        Self::answering(204)
    }

    /// One that takes connections and requests, and never answers.
    pub fn dead() -> Self {
        Self::answering(NEVER)
    }

    /// One that answers everything with this status.
    pub fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (status, ended) = (AtomicU16::new(status), AtomicBool::new(false));
        let state = Arc::new(State { received: Mutex::default(), status, ended });
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, state }
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.state.status.store(status, Ordering::Release);
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Everything that came.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().expect("no panic").clone()
    }

    /// How much came.
    pub fn count(&self) -> usize {
        self.state.received.lock().expect("no panic").len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Release);
        // Only a connection wakes whoever waits for one.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming() {
        if state.ended.load(Ordering::Acquire) {
            return;
        }
        let state = Arc::clone(state);
        let serving = stream.map(|stream| std::thread::spawn(move || serve(stream, &state)));
        drop(serving);
    }
}

/// Serves a connection until its sender goes away.
fn serve(stream: TcpStream, state: &State) {
    let mut stream = BufReader::new(stream);
    while let Some((headers, body)) = read(&mut stream) {
        let answered = state.status.load(Ordering::Acquire);
        let one = Received { headers, body, answered };
        state.received.lock().expect("no panic").push(one);
        if answered == NEVER {
            continue;
        }
        let answer = format!("HTTP/1.1 {answered} told\r\n{}\r\n", length(answered));
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// An answer without content must not speak of its length.
fn length(status: u16) -> &'static str {
    if status == 204 { "" } else { "content-length: 0\r\n" }
}

/// A request's headers and its body; nothing: there is no whole one any more.
fn read(stream: &mut BufReader<TcpStream>) -> Option<(Headers, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((headers, body))
}
