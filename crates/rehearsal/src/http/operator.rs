//! The operator's calls: one connection each, no hurry, and every answer checked.
//! What is secret in them stays in here.

use super::{
    Doing, Operator, RehearseFault, Target, line::CONNECT_MS_MAX, setting::ANSWER_MS_MAX,
    time::Clock,
};
use crate::history::{Effect, Micros};
use ::http::{HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{io, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// Bytes of an answer to an operator; ten thousand tokens with their names come to a tenth of it.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Attempts of a call that is answered "busy", and the wait between two.
const TRIES_MAX: u32 = 20;
const BUSY_WAIT: Duration = Duration::from_millis(500);
/// The envelope's number of a fault.
const SYSTEM_ERROR: i32 = -3;
/// Characters of a message that are repeated.
const MESSAGE_CHARS_MAX: usize = 200;

/// An operator at a server.
pub(super) struct Desk {
    target: Target,
    clock: Clock,
    who: Option<HeaderValue>,
}

/// An answer with its envelope.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) ret: i32,
    pub(super) message: String,
    pub(super) data: Value,
    /// The server's Date, as it stands there.
    pub(super) date: Option<String>,
    /// Just before the question left, and when the answer was whole.
    pub(super) sent: Micros,
    pub(super) ended: Micros,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) doing: Doing,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) body: Option<&'a Value>,
}

impl<'a> Wanted<'a> {
    pub(super) fn get(doing: Doing, path: &'a str) -> Self {
        Self { doing, method: &Method::GET, path, body: None }
    }

    pub(super) fn post(doing: Doing, path: &'a str, body: Option<&'a Value>) -> Self {
        Self { doing, method: &Method::POST, path, body }
    }
}

impl Told {
    /// What a call that was no success did. A refusal did nothing; a fault says so itself.
    pub(super) fn effect(&self) -> Effect {
        let told = self.data.get("effect").and_then(Value::as_str);
        let sure = self.ret != SYSTEM_ERROR || told == Some("none");
        if sure { Effect::None } else { Effect::Unknown }
    }
}

impl Desk {
    /// The clock by which its calls are timed.
    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    /// The time.
    pub(super) fn now(&self) -> Micros {
        self.clock.now()
    }

    /// The same calls, made by somebody else; nothing where the token cannot stand in a header.
    pub(super) fn of_person(&self, token: &str) -> Option<Self> {
        let who = Some(super::request::bearer(token)?);
        Some(Self { target: self.target.clone(), clock: self.clock, who })
    }

    /// Signs in; whoever is no operator is told so.
    pub(super) async fn open(target: &Target, clock: Clock) -> Result<(Self, Told), RehearseFault> {
        let mut desk = Self { target: target.clone(), clock, who: None };
        let doing = Doing::SigningIn;
        let told = match &target.operator {
            Operator::Token(token) => {
                desk.who = super::request::bearer(token);
                desk.must(Wanted::get(doing, "/user/me")).await
            }
            Operator::Password { name, password } => {
                let body = json!({ "name": name, "password": password });
                desk.must(Wanted::post(doing, "/user/login", Some(&body))).await
            }
        };
        let told = told.map_err(|fault| match fault {
            RehearseFault::Refused { status: 401, .. } => RehearseFault::NotSignedIn,
            other => other,
        })?;
        if let Some(token) = told.data.get("token").and_then(Value::as_str) {
            desk.who = super::request::bearer(token);
        }
        let role = told.data.pointer("/user/role").or_else(|| told.data.get("role"));
        match role.and_then(Value::as_str) {
            Some("operator") => Ok((desk, told)),
            Some(_) => Err(RehearseFault::NoOperator),
            None => Err(RehearseFault::Unreadable(doing)),
        }
    }

    /// A call that has to succeed; while the server is busy it is made again, for then nothing happened.
    pub(super) async fn must(&self, wanted: Wanted<'_>) -> Result<Told, RehearseFault> {
        for _ in 0..TRIES_MAX {
            let told = self.call(wanted).await?;
            match (told.status, told.ret) {
                (200, 0) => return Ok(told),
                (503 | 429, _) => tokio::time::sleep(BUSY_WAIT).await,
                _ => return Err(refused(wanted.doing, told)),
            }
        }
        Err(RehearseFault::Busy(wanted.doing))
    }

    /// One call, whatever it is answered.
    pub(super) async fn call(&self, wanted: Wanted<'_>) -> Result<Told, RehearseFault> {
        let (response, sent) = self.send(wanted).await?;
        self.told(wanted.doing, response, sent).await
    }

    async fn told(
        &self,
        doing: Doing,
        response: Response<Incoming>,
        sent: Micros,
    ) -> Result<Told, RehearseFault> {
        let (head, body) = response.into_parts();
        let reading = Limited::new(body, ANSWER_BYTES_MAX).collect();
        let read = within(doing, ANSWER_MS_MAX, reading).await?;
        let body = read.map_err(|error| {
            let long = error.is::<http_body_util::LengthLimitError>();
            let broken = RehearseFault::Unreachable(doing, io::ErrorKind::ConnectionReset);
            if long { RehearseFault::TooMuch(doing) } else { broken }
        })?;
        let ended = self.clock.now();
        let envelope: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let ret =
            envelope.get("ret").and_then(Value::as_i64).and_then(|ret| i32::try_from(ret).ok());
        let message = envelope.get("message").and_then(Value::as_str).unwrap_or_default();
        let date = head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(Told {
            status: head.status.as_u16(),
            ret: ret.ok_or(RehearseFault::Unreadable(doing))?,
            message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
            data: envelope.get("data").cloned().unwrap_or_default(),
            date: date.map(str::to_owned),
            sent,
            ended,
        })
    }

    async fn send(
        &self,
        wanted: Wanted<'_>,
    ) -> Result<(Response<Incoming>, Micros), RehearseFault> {
        let Wanted { doing, .. } = wanted;
        let unreachable = |kind| RehearseFault::Unreachable(doing, kind);
        let connecting = TcpStream::connect(self.target.address);
        let stream = within(doing, CONNECT_MS_MAX, connecting).await?;
        let stream = stream.map_err(|error| unreachable(error.kind()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.kind()))?;
        let broken = |_| unreachable(io::ErrorKind::ConnectionReset);
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(broken)?;
        tokio::spawn(connection);
        let request = self.request(wanted)?;
        let sent = self.clock.now();
        let response = within(doing, ANSWER_MS_MAX, sender.send_request(request)).await?;
        Ok((response.map_err(broken)?, sent))
    }

    fn request(&self, wanted: Wanted<'_>) -> Result<Request<Full<Bytes>>, RehearseFault> {
        let body = wanted.body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(wanted.method)
            .uri(wanted.path)
            .header(header::HOST, &self.target.host)
            .header(header::ACCEPT_LANGUAGE, "en")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(who) = &self.who {
            request = request.header(header::AUTHORIZATION, who);
        }
        let address = || RehearseFault::Address(self.target.host.clone());
        request.body(Full::new(Bytes::from(body))).map_err(|_| address())
    }

    /// The lines of an export, one at a time.
    pub(super) async fn lines(
        &self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> Option<()>,
    ) -> Result<(), RehearseFault> {
        let doing = Doing::Exporting;
        for _ in 0..TRIES_MAX {
            let (response, sent) = self.send(Wanted::get(doing, path)).await?;
            match response.status().as_u16() {
                200 => return read_lines(response.into_body(), &mut each).await,
                503 | 429 => tokio::time::sleep(BUSY_WAIT).await,
                _ => return Err(refused(doing, self.told(doing, response, sent).await?)),
            }
        }
        Err(RehearseFault::Busy(doing))
    }
}

/// Bytes of an export.
const EXPORT_BYTES_MAX: usize = 1 << 30;

async fn read_lines(
    mut body: Incoming,
    each: &mut impl FnMut(&[u8]) -> Option<()>,
) -> Result<(), RehearseFault> {
    let doing = Doing::Exporting;
    let (mut rest, mut total) = (Vec::new(), 0);
    while let Some(frame) = within(doing, ANSWER_MS_MAX, body.frame()).await? {
        // A stream that breaks off is not an export.
        let broken = RehearseFault::Unreachable(doing, io::ErrorKind::ConnectionReset);
        let Ok(piece) = frame.map_err(|_| broken)?.into_data() else { continue };
        total += piece.len();
        if total > EXPORT_BYTES_MAX {
            return Err(RehearseFault::TooMuch(doing));
        }
        rest.extend_from_slice(&piece);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let whole: Vec<u8> = rest.drain(..=end).collect();
        for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(line).ok_or(RehearseFault::Unreadable(doing))?;
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(RehearseFault::Unreadable(doing)) }
}

fn refused(doing: Doing, told: Told) -> RehearseFault {
    let Told { status, ret, message, .. } = told;
    match status {
        403 if doing == Doing::Vouching => RehearseFault::NoOperator,
        _ => RehearseFault::Refused { doing, status, ret, message },
    }
}

async fn within<T>(
    doing: Doing,
    ms: u64,
    work: impl Future<Output = T>,
) -> Result<T, RehearseFault> {
    timeout(Duration::from_millis(ms), work).await.map_err(|_| RehearseFault::TooLate(doing))
}
