//! One connection from its first byte to its last: a state machine that hyper is only a part of, so that a
//! connection without a request needs no buffers, and every end is orderly unless the client makes it impossible.

use super::{
    Place, Short, Table,
    answerer::Answerer,
    preamble::{self, PREAMBLE_BYTES_MAX, Preamble},
    slot::{Kind, Order, Phase, Slot},
    wire::Wire,
};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What is given back when a connection ends: counts, places, permits.
type Guards = Box<dyn Send>;

/// One connection.
pub struct Conversation {
    stage: Stage,
    slot: Arc<Slot>,
    place: usize,
    among_its_address: Option<Place>,
    _guards: Guards,
}

/// How far it has come.
enum Stage {
    /// The preamble of a proxy is still to come; what has come of it.
    Opening(TcpStream, Vec<u8>),
    /// Nothing is there to be answered.
    Resting(Wire),
    /// hyper reads, and writes what it is told. In a box, for it is large and most connections do without it.
    Serving(Box<http1::Connection<TokioIo<Wire>, Answerer>>),
    /// Our last word is said.
    Leaving(TcpStream),
    Gone,
}

/// What follows a step.
enum Next {
    /// Another step.
    Again,
    /// Nothing until somebody wakes us.
    Wait,
}

impl Conversation {
    /// With whoever connected, who is at this address.
    pub fn new(
        table: &Arc<Table>,
        kind: Kind,
        stream: TcpStream,
        address: IpAddr,
        among_its_address: Option<Place>,
        guards: Guards,
    ) -> Self {
        let (slot, place) = table.enter(kind);
        let edge = &table.app.settings.edge;
        let stage = if kind != Kind::Metrics && edge.proxy_protocol && edge.trusts(address) {
            Stage::Opening(stream, Vec::new())
        } else {
            slot.set_peer(address);
            Stage::Resting(Wire::new(stream, Vec::new(), Arc::clone(&slot)))
        };
        Self { stage, slot, place, among_its_address, _guards: guards }
    }

    /// Does what the sweep wants, and then goes on by itself.
    fn step(&mut self, order: Order, context: &mut Context<'_>) -> Next {
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Gone => Next::Wait,
            _ if order == Order::End => Next::Again,
            Stage::Opening(stream, read) => self.open(stream, read, order, context),
            Stage::Resting(wire) => self.await_request(wire, order, context),
            Stage::Serving(connection) => self.serve(connection, order, context),
            Stage::Leaving(stream) => self.leave(stream, context),
        }
    }

    /// Reads the preamble of a proxy, which says who connected to it.
    fn open(
        &mut self,
        mut stream: TcpStream,
        mut read: Vec<u8>,
        order: Order,
        context: &mut Context<'_>,
    ) -> Next {
        if order == Order::Close || order == Order::Refuse {
            return self.part(stream, context);
        }
        let mut bytes = [0; 256];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut stream).poll_read(context, &mut buffer) {
            Poll::Pending => {
                self.stage = Stage::Opening(stream, read);
                return Next::Wait;
            }
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                read.extend_from_slice(buffer.filled());
            }
            Poll::Ready(_) => return Next::Again,
        }
        match preamble::read(&read) {
            Preamble::Partial if read.len() < PREAMBLE_BYTES_MAX => {
                self.stage = Stage::Opening(stream, read);
                Next::Again
            }
            Preamble::Partial | Preamble::Bad => {
                tracing::debug!("a trusted proxy did not begin with a PROXY preamble");
                self.refuse(stream, Short::Malformed, context)
            }
            Preamble::Whole { source, bytes } => {
                self.opened(stream, source, read.split_off(bytes), context)
            }
        }
    }

    fn opened(
        &mut self,
        stream: TcpStream,
        source: Option<IpAddr>,
        rest: Vec<u8>,
        context: &mut Context<'_>,
    ) -> Next {
        let peer = stream.peer_addr().map(|address| address.ip());
        let (Some(address), counted) = (source.or(peer.ok()), source.is_some()) else {
            return Next::Again;
        };
        self.slot.set_peer(address);
        if counted {
            match self.slot.table.addresses.enter(address) {
                Ok(place) => self.among_its_address = place,
                Err(_) => {
                    self.slot.table.app.metrics.connections_refused.inc();
                    return self.refuse(stream, Short::TooMany, context);
                }
            }
        }
        let ready = !rest.is_empty();
        let wire = Wire::new(stream, rest, Arc::clone(&self.slot));
        self.stage = if ready { self.serving(wire) } else { Stage::Resting(wire) };
        Next::Again
    }

    /// Waits for the first byte of a request. Only then is there anything to give buffers to.
    fn await_request(&mut self, wire: Wire, order: Order, context: &mut Context<'_>) -> Next {
        if wire.stream.poll_read_ready(context).is_ready() {
            self.slot.stir();
            self.stage = self.serving(wire);
            return Next::Again;
        }
        if order == Order::Close {
            return self.part(wire.stream, context);
        }
        self.stage = Stage::Resting(wire);
        Next::Wait
    }

    fn serving(&self, wire: Wire) -> Stage {
        let answerer = Answerer::new(Arc::clone(&self.slot));
        let http = &self.slot.table.http;
        Stage::Serving(Box::new(http.serve_connection(TokioIo::new(wire), answerer)))
    }

    fn serve(
        &mut self,
        mut connection: Box<http1::Connection<TokioIo<Wire>, Answerer>>,
        order: Order,
        context: &mut Context<'_>,
    ) -> Next {
        if order == Order::Reset {
            let stream = connection.into_parts().io.into_inner().stream;
            // What the client did not take for so long goes with it, in the system too.
            let _ = stream.set_zero_linger();
            return Next::Again;
        }
        // A request that is here by now is answered, whatever the sweep thought.
        if Pin::new(&mut *connection).poll(context).is_ready() {
            return self.served(*connection, context);
        }
        match (order, self.slot.phase()) {
            (Order::Refuse, Phase::Head | Phase::Body) => {
                let stream = connection.into_parts().io.into_inner().stream;
                self.refuse(stream, Short::Late, context)
            }
            (Order::Rest, Phase::Idle) => self.lie_down(*connection, context),
            (Order::Close, Phase::Idle | Phase::Waiting) => {
                Pin::new(&mut *connection).graceful_shutdown();
                self.stage = Stage::Serving(connection);
                Next::Again
            }
            _ => {
                self.stage = Stage::Serving(connection);
                Next::Wait
            }
        }
    }

    /// hyper has said its last word.
    fn served(
        &mut self,
        connection: http1::Connection<TokioIo<Wire>, Answerer>,
        context: &mut Context<'_>,
    ) -> Next {
        let wire = connection.into_parts().io.into_inner();
        if wire.ended { Next::Again } else { self.part(wire.stream, context) }
    }

    /// Gives up the buffers of a connection on which nothing is under way.
    fn lie_down(
        &mut self,
        connection: http1::Connection<TokioIo<Wire>, Answerer>,
        context: &mut Context<'_>,
    ) -> Next {
        let parts = connection.into_parts();
        let mut wire = parts.io.into_inner();
        // Blank lines between two requests mean nothing; anything else would be the rest of a body nobody wanted.
        if !wire.between() || parts.read_buf.iter().any(|byte| !b"\r\n".contains(byte)) {
            return self.part(wire.stream, context);
        }
        wire.early = Vec::new();
        self.slot.rest();
        self.stage = Stage::Resting(wire);
        Next::Again
    }

    /// Says this, and parts. The words fit into the empty buffer of the socket, or nobody reads them.
    fn refuse(&mut self, stream: TcpStream, words: Short, context: &mut Context<'_>) -> Next {
        let _ = stream.try_write(words.bytes());
        self.part(stream, context)
    }

    /// Says that nothing follows, and waits a little for the other end to say the same: if bytes came to a socket
    /// that is closed already, the reset would destroy our last word.
    fn part(&mut self, mut stream: TcpStream, context: &mut Context<'_>) -> Next {
        if matches!(Pin::new(&mut stream).poll_shutdown(context), Poll::Ready(Ok(()))) {
            self.slot.enter(Phase::Leaving);
            self.stage = Stage::Leaving(stream);
        }
        Next::Again
    }

    fn leave(&mut self, mut stream: TcpStream, context: &mut Context<'_>) -> Next {
        let mut bytes = [0; 4096];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut stream).poll_read(context, &mut buffer) {
            Poll::Pending => {
                self.stage = Stage::Leaving(stream);
                Next::Wait
            }
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                self.stage = Stage::Leaving(stream);
                Next::Again
            }
            Poll::Ready(_) => Next::Again,
        }
    }
}

impl Future for Conversation {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let conversation = self.get_mut();
        conversation.slot.remember(context.waker());
        let mut order = conversation.slot.take_order();
        // Most of the time hyper goes on where it was, and nothing is moved.
        if order == Order::None
            && let Stage::Serving(connection) = &mut conversation.stage
        {
            ready!(Pin::new(&mut **connection).poll(context)).ok();
            if let Stage::Serving(ended) = std::mem::replace(&mut conversation.stage, Stage::Gone) {
                conversation.served(*ended, context);
            }
        }
        loop {
            let next = conversation.step(std::mem::replace(&mut order, Order::None), context);
            match (next, &conversation.stage) {
                (_, Stage::Gone) => return Poll::Ready(()),
                (Next::Wait, _) => return Poll::Pending,
                (Next::Again, _) => {}
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.slot.table.leave(self.place);
    }
}
