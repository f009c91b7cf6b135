//! One connection of the crowd, kept alive and shared in turn by several people. It says to the microsecond when a
//! question was handed over and when its answer was whole; a question that may have been read is never repeated here.

use super::request::Question;
use ::http::header;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Milliseconds to make a connection.
pub(super) const CONNECT_MS_MAX: u64 = 5_000;
/// Whoever hangs up has at least asked.
const HANG_UP_MIN: Duration = Duration::from_millis(2);
/// Bytes of an answer to one of the crowd.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The error number of a process that may not open more files.
const TOO_MANY_FILES: i32 = 24;

/// A connection, or the place for one.
#[derive(Debug)]
pub(super) struct Line {
    address: SocketAddr,
    source: Option<Ipv4Addr>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<Stamped>, Full<Bytes>>>>,
    /// The connection has ended and must not be polled again.
    over: bool,
    written: Rc<Cell<Option<Instant>>>,
}

/// What came of one question.
#[derive(Debug)]
pub(super) struct Exchange {
    /// When its last byte was handed over, or just before; nothing: no byte was.
    pub(super) sent: Option<Instant>,
    /// When it was over.
    pub(super) ended: Instant,
    /// The answer, if it was whole.
    pub(super) reply: Option<Reply>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// Whether it said when to ask again.
    pub(super) retry_after: bool,
    /// The body; empty where it was larger than is read.
    pub(super) body: Bytes,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoLine {
    /// This process may not open more files.
    TooFewFiles,
    /// The address it should come from cannot be used; the next attempt uses the usual one.
    Source,
    /// The server did not take it.
    Refused,
}

impl Line {
    /// No connection is made before it is needed.
    pub(super) fn new(address: SocketAddr, source: Option<Ipv4Addr>) -> Self {
        Self { address, source, open: None }
    }

    /// Asks, and waits at most so long for the whole answer. With `hang_up` the reply is not read: the connection
    /// is closed so long after asking.
    pub(super) async fn ask(
        &mut self,
        question: &Question,
        within: Duration,
        hang_up: Option<Duration>,
    ) -> Result<Exchange, NoLine> {
        // A connection that the server closed while nobody used it takes no question: one fresh one may.
        let kept = match self.open.take() {
            Some(mut open) => open.is_ready().await.then_some(open),
            None => None,
        };
        let mut open = match kept {
            Some(open) => open,
            None => self.connect().await?,
        };
        open.written.set(None);
        let wait = hang_up.map_or(within, |wait| wait.max(HANG_UP_MIN));
        let answered = timeout(wait, open.exchange(question.clone())).await;
        let (sent, ended) = (open.written.get(), Instant::now());
        let reply = match (answered, hang_up) {
            (Ok(Some(reply)), None) => Some(reply),
            _ => None,
        };
        if reply.is_some() && !open.over {
            self.open = Some(open);
        }
        Ok(Exchange { sent, ended, reply })
    }

    async fn connect(&mut self) -> Result<Open, NoLine> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(|error| refused(&error))?;
        if let Some(source) = self.source
            && socket.bind(SocketAddr::new(IpAddr::V4(source), 0)).is_err()
        {
            self.source = None;
            return Err(NoLine::Source);
        }
        let connecting = socket.connect(self.address);
        let stream = timeout(Duration::from_millis(CONNECT_MS_MAX), connecting).await;
        let stream = stream.map_err(|_| NoLine::Refused)?.map_err(|error| refused(&error))?;
        // Without it a question may wait for the answer's acknowledgement.
        stream.set_nodelay(true).map_err(|error| refused(&error))?;
        let written = Rc::new(Cell::new(None));
        let io = TokioIo::new(Stamped { stream, written: Rc::clone(&written) });
        let (sender, connection) = http1::handshake(io).await.map_err(|_| NoLine::Refused)?;
        Ok(Open { sender, connection: Box::pin(connection), over: false, written })
    }
}

fn refused(error: &io::Error) -> NoLine {
    if error.raw_os_error() == Some(TOO_MANY_FILES) { NoLine::TooFewFiles } else { NoLine::Refused }
}

impl Open {
    /// Whether it can take a question. Nobody has looked at it since the last one, so it is looked at first: a
    /// server may have closed it, and a question sent then would be lost for nothing.
    async fn is_ready(&mut self) -> bool {
        let Self { sender, connection, over, .. } = self;
        poll_fn(|context| {
            *over = connection.as_mut().poll(context).is_ready();
            Poll::Ready(())
        })
        .await;
        !*over && beside(connection, over, sender.ready()).await.is_ok()
    }

    async fn exchange(&mut self, question: Question) -> Option<Reply> {
        let Self { sender, connection, over, .. } = self;
        beside(connection, over, ask(sender, question)).await
    }
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, question: Question) -> Option<Reply> {
    sender.ready().await.ok()?;
    let (head, body) = sender.send_request(question).await.ok()?.into_parts();
    let retry_after = head.headers.contains_key(header::RETRY_AFTER);
    let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Bytes::new(),
        Err(_) => return None,
    };
    Some(Reply { status: head.status.as_u16(), retry_after, body })
}

/// Runs `work` and the connection that it needs in the same task: a task for each connection would wake twice for
/// every answer.
async fn beside<T>(
    connection: &mut Pin<Box<Connection<TokioIo<Stamped>, Full<Bytes>>>>,
    over: &mut bool,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    poll_fn(|context: &mut Context<'_>| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        *over = *over || connection.as_mut().poll(context).is_ready();
        work.as_mut().poll(context)
    })
    .await
}

/// A socket that remembers when it was last written to.
#[derive(Debug)]
struct Stamped {
    stream: TcpStream,
    written: Rc<Cell<Option<Instant>>>,
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Taken before the bytes leave: the server can have seen none of them earlier.
        let before = Instant::now();
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(1..)) = wrote {
            self.written.set(Some(before));
        }
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
