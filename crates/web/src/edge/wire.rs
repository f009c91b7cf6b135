//! A socket that notes what comes and goes. It changes nothing of what is read, and of what is written only hyper's
//! own refusals, which have no body: the contract's envelope stands in their place.

use super::{
    Short,
    lengths::Lengths,
    slot::{Phase, Slot},
};
use crate::metrics::Call;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection's socket.
pub struct Wire {
    /// The socket.
    pub stream: TcpStream,
    /// Bytes that were read before hyper came, and are to be read by it.
    pub early: Vec<u8>,
    /// The other end has said its last word.
    pub ended: bool,
    lengths: Lengths,
    instead: Option<Instead>,
    slot: Arc<Slot>,
}

/// What is written in place of something else.
struct Instead {
    left: &'static [u8],
    /// Bytes of what it stands for.
    stands_for: usize,
}

impl Wire {
    /// The socket of this connection, of which these bytes were read already.
    pub fn new(stream: TcpStream, early: Vec<u8>, slot: Arc<Slot>) -> Self {
        Self { stream, early, ended: false, lengths: Lengths::default(), instead: None, slot }
    }

    /// Whether everything that came so far is whole requests.
    pub fn between(&self) -> bool {
        self.lengths.between()
    }

    fn note_read(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.ended = true;
            return;
        }
        self.lengths.follow(bytes);
        if self.lengths.doubled() {
            self.slot.note_doubled();
        }
        if self.lengths.lost() {
            self.slot.end_after_this();
        }
        self.slot.read(bytes.len());
    }

    fn note_written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.slot.blocked(),
            Poll::Ready(Ok(bytes)) => self.slot.wrote(*bytes),
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    /// Whether something else is to be written in place of these bytes.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if self.instead.is_some() {
            return true;
        }
        // No answer of ours is on its way in these.
        if !matches!(self.slot.phase(), Phase::Waiting | Phase::Head | Phase::Idle) {
            return false;
        }
        let Some(short) = Short::in_place_of(bytes) else { return false };
        self.slot.table.app.metrics.answered(Call::Other, -400, Duration::ZERO);
        self.instead = Some(Instead { left: short.bytes(), stands_for: bytes.len() });
        true
    }

    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some(instead) = &mut self.instead {
            if instead.left.is_empty() {
                let stands_for = instead.stands_for;
                self.instead = None;
                return Poll::Ready(Ok(stands_for));
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, instead.left))?;
            instead.left = &instead.left[written..];
        }
        Poll::Ready(Ok(0))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buffer.filled().len();
        if wire.early.is_empty() {
            ready!(Pin::new(&mut wire.stream).poll_read(context, buffer))?;
        } else {
            let count = wire.early.len().min(buffer.remaining());
            buffer.put_slice(&wire.early[..count]);
            // A new vector each time, so that none is kept once it is used up.
            wire.early = wire.early.split_off(count);
        }
        wire.note_read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.replaces(bytes) {
            return wire.poll_instead(context);
        }
        let written = Pin::new(&mut wire.stream).poll_write(context, bytes);
        wire.note_written(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if let [only] = parts
            && wire.replaces(only)
        {
            return wire.poll_instead(context);
        }
        let written = Pin::new(&mut wire.stream).poll_write_vectored(context, parts);
        wire.note_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        wire.slot.flushed(wire.lengths.between());
        Pin::new(&mut wire.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
