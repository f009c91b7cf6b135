//! The listening sockets: those that were handed to us by whoever started us (systemd's socket activation, or any
//! parent that speaks the same), or new ones. A handed socket outlives this process, and with it its queue: a
//! restart loses no connection.

use crate::commands::Failure;
use listenfd::ListenFd;
use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// Connections that may wait in the kernel to be accepted; it takes the lesser of this and its own bound.
const BACKLOG: i32 = 4096;
/// The name (`FileDescriptorName=`) of the socket that is for `/metrics` alone. Any other is the main one.
const METRICS: &str = "metrics";

/// The sockets to serve.
pub struct Listeners {
    /// For people and operators.
    pub main: TcpListener,
    /// Whether somebody else keeps the main one open.
    pub main_outlives_us: bool,
    /// For `/metrics` alone.
    pub metrics: Option<TcpListener>,
}

/// The sockets that were handed to us.
#[derive(Default)]
pub struct Inherited {
    main: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

impl Inherited {
    /// Takes them from the environment (`LISTEN_FDS`, `LISTEN_FDNAMES`), which thereby forgets them.
    pub fn take() -> Result<Self, Failure> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut handed = ListenFd::from_env();
        let mut inherited = Self::default();
        for place in 0..handed.len() {
            let name = names.next().unwrap_or_default();
            let listener = handed.take_tcp_listener(place).and_then(|listener| {
                let listener = listener.ok_or(io::ErrorKind::NotFound)?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            let refused =
                |reason: String| Failure::No(vec![format!("inherited socket {name:?}: {reason}")]);
            let listener = listener.map_err(|error| refused(error.to_string()))?;
            let role = if name == METRICS { &mut inherited.metrics } else { &mut inherited.main };
            if role.replace(listener).is_some() {
                return Err(refused("there is more than one of this kind".into()));
            }
        }
        Ok(inherited)
    }

    /// The sockets to serve, where none was handed to us on these addresses.
    pub fn or_bind(
        self,
        main: SocketAddr,
        metrics: Option<SocketAddr>,
    ) -> Result<Listeners, Failure> {
        let main_outlives_us = self.main.is_some();
        let main = self.main.map_or_else(|| bind(main), Ok)?;
        let metrics = match self.metrics {
            Some(metrics) => Some(metrics),
            None => metrics.map(bind).transpose()?,
        };
        Ok(Listeners { main, main_outlives_us, metrics })
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = || {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
        // A restart need not wait for the last connections of the process before.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    let refused = |error: io::Error| {
        Failure::No(vec![format!("cannot listen on {address}: {}", error.kind())])
    };
    bound().map_err(refused)
}
