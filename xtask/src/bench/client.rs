//! The operator's calls of a run, and waiting for a server to be ready: one connection a call, no hurry.
//! Never on the measured path; the load generator is elsewhere.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fault::{BenchFault, io};

/// Ten thousand users are signed in by one call; nothing else comes near this.
const CALL_MAX: Duration = Duration::from_secs(60);
const BODY_SHOWN_MAX: usize = 400;

/// How often a server is asked whether it is ready.
const READY_EVERY: Duration = Duration::from_millis(2);

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, unchunked.
    pub body: Vec<u8>,
}

/// Somebody who calls one server, with a token once signed in.
#[derive(Clone)]
pub struct Client {
    server: SocketAddr,
    token: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    /// Nobody yet.
    pub fn new(server: SocketAddr) -> Self {
        Self { server, token: String::new() }
    }

    /// Somebody who is signed in already.
    pub fn with_token(server: SocketAddr, token: &str) -> Self {
        Self { server, token: token.to_owned() }
    }

    /// Signs in by password; every later call carries the token.
    pub fn login(&mut self, name: &str, password: &str) -> Result<(), BenchFault> {
        let body = serde_json::json!({ "name": name, "password": password });
        let data = self.post("/user/login", &body)?;
        let token = data["token"].as_str().ok_or(BenchFault::Missing("token"))?;
        token.clone_into(&mut self.token);
        Ok(())
    }

    /// POST of JSON; the `data` of a success.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, BenchFault> {
        let answer = self.call("POST", path, body.to_string().as_bytes());
        data(format!("POST {path}"), answer.map_err(io("calling the server"))?)
    }

    /// GET; the `data` of a success.
    pub fn get(&self, path: &str) -> Result<Value, BenchFault> {
        let answer = self.call("GET", path, b"");
        data(format!("GET {path}"), answer.map_err(io("calling the server"))?)
    }

    /// GET; the HTTP status.
    pub fn status(&self, path: &str) -> std::io::Result<u16> {
        self.call("GET", path, b"").map(|answer| answer.status)
    }

    /// A counter of `/metrics`, labels added up; nothing when there is none of that name.
    pub fn counter(&self, name: &str) -> Option<f64> {
        let answer = self.call("GET", "/metrics", b"").ok()?;
        sum_of_counter(&String::from_utf8(answer.body).ok()?, name)
    }

    /// Waits until `/readyz` says 200; how long after `since` that was.
    pub fn wait_ready(&self, since: Instant, bound: Duration) -> Result<Duration, BenchFault> {
        while since.elapsed() < bound {
            if self.call("GET", "/readyz", b"").is_ok_and(|answer| answer.status == 200) {
                return Ok(since.elapsed());
            }
            std::thread::sleep(READY_EVERY);
        }
        Err(BenchFault::TooLate("the server was not ready"))
    }

    fn call(&self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.server)?;
        stream.set_read_timeout(Some(CALL_MAX))?;
        let authorization = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nAccept: */*\r\nAccept-Language: en\r\n\
             {authorization}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        answer(&bytes).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

fn data(asked: String, answer: Answer) -> Result<Value, BenchFault> {
    let parsed: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match parsed {
        Some(mut envelope) if answer.status == 200 && envelope["ret"] == 0 => {
            Ok(envelope["data"].take())
        }
        _ => {
            let shown = &answer.body[..answer.body.len().min(BODY_SHOWN_MAX)];
            let body = String::from_utf8_lossy(shown).into_owned();
            Err(BenchFault::Answer { asked, status: answer.status, body })
        }
    }
}

/// Splits the bytes of a connection that the server has closed.
fn answer(bytes: &[u8]) -> Option<Answer> {
    let head_end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?.to_ascii_lowercase();
    let status = head.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok()?;
    let rest = &bytes[head_end + 4..];
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(rest)? } else { rest.to_vec() };
    Some(Answer { status, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = memchr::memmem::find(bytes, b"\r\n")?;
        let digits = std::str::from_utf8(&bytes[..line_end]).ok()?;
        let length = usize::from_str_radix(digits.split(';').next()?.trim(), 16).ok()?;
        let chunk = bytes.get(line_end + 2..line_end + 2 + length)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        bytes = bytes.get(line_end + 4 + length..)?;
    }
}

fn sum_of_counter(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = match rest.strip_prefix('{') {
            Some(labelled) => labelled.split_once('}')?.1,
            None => rest,
        };
        // A longer name that only begins like this one has no space here.
        rest.strip_prefix(' ')?.split(' ').next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_a_length_and_in_chunks_are_read() {
        let plain = answer(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (404, b"no".as_slice()));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(answer(chunked).unwrap().body, b"abc0123456789");
        assert!(answer(&chunked[..chunked.len() - 8]).is_none(), "a cut answer is no answer");
    }

    #[test]
    fn a_counter_is_added_up_over_its_labels() {
        let text = "# HELP commits_total x\ncommits_total 3\ncommits_total_more 9\n\
                    asked_total{what=\"a b\"} 1\nasked_total{what=\"c\"} 4 1700000000\n";
        assert_eq!(sum_of_counter(text, "commits_total"), Some(3.0));
        assert_eq!(sum_of_counter(text, "asked_total"), Some(5.0));
        assert_eq!(sum_of_counter(text, "absent_total"), None);
    }
}
