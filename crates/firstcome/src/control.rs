//! The control socket: how commands that write reach a server that owns the ledger. Whoever can open the file may
//! do everything, so it stands in the data folder with that folder's permissions.

use crate::commands::Failure;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    io,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server may take to answer. The largest import and its passwords take less.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// The socket's file in a data folder.
fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Listens on a data folder's socket. Only the folder's owner calls this, so a file that is there is a dead one's.
pub fn listen(data: &Path) -> io::Result<UnixListener> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The process that serves this data folder, if one answers on its socket and the system tells.
pub async fn holder(data: &Path) -> Option<i32> {
    let stream = tokio::net::UnixStream::connect(path(data)).await.ok()?;
    stream.peer_cred().ok()?.pid().filter(|pid| *pid > 0)
}

/// What a running server answered: `ret`, `message` and `data`.
pub struct Answer {
    /// As in the envelope.
    pub ret: i64,
    /// As in the envelope.
    pub message: String,
    /// As in the envelope.
    pub data: Value,
}

/// Sends a call to the server that owns this data folder.
pub fn call(data: &Path, target: &str, kind: &str, body: String) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Io("a runtime", error.kind()))?;
    let sending = send(path(data), target, kind, body);
    let answer = runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, sending).await });
    let answer = answer.map_err(|_| Failure::ServerSilent(ANSWER_WITHIN))?;
    answer.map_err(|_| Failure::NoServer)?.ok_or(Failure::NoServer)
}

type Unreachable = Box<dyn std::error::Error>;

async fn send(
    path: PathBuf,
    target: &str,
    kind: &str,
    body: String,
) -> Result<Option<Answer>, Unreachable> {
    let stream = TokioIo::new(tokio::net::UnixStream::connect(path).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let request = Request::post(target)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, kind)
        .body(Full::new(hyper::body::Bytes::from(body)))?;
    let bytes = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    let envelope: Value = serde_json::from_slice(&bytes)?;
    let answer = || {
        Some(Answer {
            ret: envelope.get("ret")?.as_i64()?,
            message: envelope.get("message")?.as_str()?.to_owned(),
            data: envelope.get("data")?.clone(),
        })
    };
    Ok(answer())
}
