//! GET /admin/export: streamed while it is read from the ledger, so that a million rows cost no memory.
//! A stream that stopped early never looks like one that ended.

use super::{Asked, blocking};
use crate::{
    body::ReplyBody,
    envelope::{Problem, Reply},
    params::{Reason, bad},
};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use sale::{
    Entry,
    export::{ExportFormat, ExportKind},
};
use std::{
    io::{self, Write},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader; then the export waits too.
const PIECES_MAX: usize = 16;
/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;

/// The call.
pub async fn export(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let format = ExportFormat::from_name(params.need("format")?)
        .ok_or_else(|| bad("format", Reason::Choice))?;
    let kind = match params.get("what") {
        None => ExportKind::Orders,
        Some(name) => ExportKind::from_name(name).ok_or_else(|| bad("what", Reason::Choice))?,
    };
    let entry = asked.entry()?;
    let detail = format!("{} as {}", kind.name(), format.name());
    asked.audit(&operator, "admin/export", &entry.activity.id, detail);
    let sale = Arc::clone(&asked.app.sale);
    if !blocking(move || sale.settle()).await? {
        return Err(Problem::Busy);
    }
    let name = format!("{}-{}.{}", entry.activity.id, kind.name(), format.name());
    Ok(stream(&asked, entry, format, kind, &name))
}

fn stream(
    asked: &Asked,
    entry: Arc<Entry>,
    format: ExportFormat,
    kind: ExportKind,
    name: &str,
) -> Reply {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let sale = Arc::clone(&asked.app.sale);
    tokio::task::spawn_blocking(move || {
        let sink = Box::new(Pieces { sender: sender.clone(), piece: Vec::new() });
        if let Err(stopped) = sale.export(&entry, format, kind, sink) {
            tracing::warn!(%stopped, "an export stopped");
            // The reader must not take a part for the whole: the stream breaks off instead of ending.
            let _ = sender.blocking_send(Err(io::Error::from(io::ErrorKind::BrokenPipe)));
        }
    });
    let mut response = Response::new(ReplyBody::Stream(Body::new(Streamed(receiver))));
    let media = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ExportFormat::JsonLines => "application/x-ndjson",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    headers.insert(header::CONTENT_DISPOSITION, disposition.expect("ids are plain ASCII"));
    Reply { ret: 0, response }
}

/// A part of a streamed answer.
pub type Piece = Result<Bytes, io::Error>;

/// A writer whose pieces go to the reply.
struct Pieces {
    sender: mpsc::Sender<Piece>,
    piece: Vec<u8>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        // The end of an export; if the reader has gone there is nobody to tell.
        let _ = self.send();
    }
}

/// An answer that is made while it is sent.
pub struct Streamed(pub mpsc::Receiver<Piece>);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
