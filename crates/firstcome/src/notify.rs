//! Tells systemd, where it wants to know (`Type=notify`), that the server serves and that it is about to stop.
//! Whoever started us otherwise hears nothing, and nothing here can stop a sale.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Requests are answered.
    Ready,
    /// No connection is taken any more.
    Stopping,
}

/// Tells it to `NOTIFY_SOCKET`, if there is one.
pub fn tell(moment: Moment) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let words: &[u8] = match moment {
        Moment::Ready => b"READY=1",
        Moment::Stopping => b"STOPPING=1",
    };
    if let Err(error) = send(socket.as_bytes(), words) {
        tracing::warn!(%error, ?moment, "systemd could not be told");
    }
}

/// A name that begins with `@` is an abstract one, any other a path.
fn send(socket: &[u8], words: &[u8]) -> io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(socket))?,
    };
    let datagram = UnixDatagram::unbound()?;
    // Whoever does not read must not hold us up.
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(words, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("firstcome-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let table = [
            (path.as_os_str().as_bytes().to_vec(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{name}").into_bytes(), UnixDatagram::bind_addr(&abstract_name).unwrap()),
        ];
        for (socket, bound) in table {
            send(&socket, b"READY=1").unwrap();
            let mut words = [0; 64];
            let length = bound.recv(&mut words).unwrap();
            assert_eq!(&words[..length], b"READY=1");
        }
    }
}
