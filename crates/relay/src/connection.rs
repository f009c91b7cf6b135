//! Connections to receivers: the address found once, judged, and the connection pinned to it.
//! Nothing is followed anywhere else: an answer that points elsewhere is an answer, and nothing more.

use crate::address::may_reach;
use crate::destination::{Destination, Host};
use crate::resolver::Resolve;
use crate::settings::RelaySettings;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Addresses of one name that are tried.
const ADDRESSES_TRIED_MAX: usize = 4;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Bytes of an answer's body that are read so that its connection can be used again.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// One of the addresses is not one that may be reached.
    Forbidden,
    /// No connection, or it broke.
    Unreachable,
    /// Too late.
    TimedOut,
}

/// Makes connections.
pub(crate) struct Dialer {
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    connect_within: Duration,
    reachable: Vec<crate::address::AddressRange>,
}

/// A connection to one address of a receiver.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    opened: Instant,
    used: Instant,
    /// It has carried an answer: if it breaks now, the receiver may only have closed it for want of work.
    pub(crate) proven: bool,
}

impl Dialer {
    pub(crate) fn new(
        settings: &RelaySettings,
        resolver: Arc<dyn Resolve>,
        tls: TlsConnector,
    ) -> Self {
        let connect_within = Duration::from_millis(settings.connect_within_ms.into());
        Self { resolver, tls, connect_within, reachable: settings.reachable.clone() }
    }

    /// Connects, within the time there is for it.
    pub(crate) async fn connect(&self, to: &Destination) -> Result<Connection, NoAnswer> {
        let connecting = tokio::time::timeout(self.connect_within, self.connect_at_leisure(to));
        connecting.await.unwrap_or(Err(NoAnswer::TimedOut))
    }

    async fn connect_at_leisure(&self, to: &Destination) -> Result<Connection, NoAnswer> {
        let addresses = self.addresses(&to.host).await?;
        let stream = connect_to_one(&addresses, to.port).await?;
        // What is small is sent at once; failing to say so only makes it slower.
        let _ = stream.set_nodelay(true);
        if !to.secure {
            return shake_hands(stream).await;
        }
        let name = match &to.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| NoAnswer::Unreachable)?
            }
        };
        let secured = self.tls.connect(name, stream).await;
        shake_hands(secured.map_err(|_| NoAnswer::Unreachable)?).await
    }

    /// Every address of the host. If one of them may not be reached, none is: a name that stands for an inside
    /// address among others is no receiver but a trick.
    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, NoAnswer> {
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                self.resolver.resolve(name).await.map_err(|_| NoAnswer::Unreachable)?
            }
        };
        if !found.iter().all(|address| may_reach(*address, &self.reachable)) {
            return Err(NoAnswer::Forbidden);
        }
        Ok(found.iter().map(IpAddr::to_canonical).collect())
    }
}

async fn connect_to_one(addresses: &[IpAddr], port: u16) -> Result<TcpStream, NoAnswer> {
    for address in addresses.iter().take(ADDRESSES_TRIED_MAX) {
        if let Ok(stream) = TcpStream::connect(SocketAddr::new(*address, port)).await {
            return Ok(stream);
        }
    }
    Err(NoAnswer::Unreachable)
}

async fn shake_hands(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Connection, NoAnswer> {
    let shaken = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await;
    let (sender, driver) = shaken.map_err(|_| NoAnswer::Unreachable)?;
    // It ends by itself once nobody can send over it any more. Its error is the sender's too.
    tokio::spawn(async move {
        let _ = driver.await;
    });
    let now = Instant::now();
    Ok(Connection { sender, opened: now, used: now, proven: false })
}

impl Connection {
    /// Whether it may carry another request.
    pub(crate) fn is_usable(&self, settings: &RelaySettings) -> bool {
        let idle = Duration::from_millis(settings.keep_alive_ms.into());
        let age = Duration::from_millis(settings.connection_age_max_ms.into());
        !self.sender.is_closed() && self.used.elapsed() < idle && self.opened.elapsed() < age
    }

    /// Sends a request; the answer's head.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        self.sender.ready().await.map_err(|_| NoAnswer::Unreachable)?;
        self.sender.send_request(request).await.map_err(|_| NoAnswer::Unreachable)
    }

    /// Reads the rest of an answer, so that another request can follow. Too long, or broken: `None`.
    pub(crate) async fn finish(mut self, mut body: Incoming) -> Option<Self> {
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            read += frame.ok()?.data_ref().map_or(0, Bytes::len);
            if read > BODY_BYTES_MAX {
                return None;
            }
        }
        self.used = Instant::now();
        self.proven = true;
        Some(self)
    }
}
