//! The listeners beside the main one: `/metrics` alone, and the control socket of the command line.
//! Neither takes anything away from those who come by the main one.

use super::Shared;
use crate::edge::{Conversation, Kind, Table};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{Semaphore, watch},
};

/// Connections to the listener of the metrics; one more is closed.
const METRICS_CONNECTIONS_MAX: usize = 64;
/// How long accepting pauses after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves `/metrics` until told to stop.
pub async fn serve_metrics(shared: Arc<Shared>, table: Arc<Table>, listener: TcpListener) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
    let mut stopping = shared.stopping.clone();
    let permits = Arc::new(Semaphore::new(METRICS_CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { continue };
        let kind = Kind::Metrics;
        let guards = Box::new(permit);
        tokio::spawn(Conversation::new(&table, kind, stream, from.ip(), None, guards));
    }
}

/// Serves the control socket until told to stop. Whoever can open it may stop the server too: nobody is hurried.
pub async fn serve_control(
    shared: Arc<Shared>,
    listener: std::os::unix::net::UnixListener,
    routes: axum::Router,
) {
    let listener = UnixListener::from_std(listener).expect("the listener is non-blocking");
    let mut stopping = shared.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        tokio::spawn(control(stream, routes.clone(), shared.stopping.clone()));
    }
}

/// Serves one connection until it closes or, when the server stops, until its present request is answered.
async fn control(stream: UnixStream, routes: axum::Router, mut stopping: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(routes);
    let connection = http1::Builder::new()
        .half_close(true)
        .serve_connection::<_, TowerToHyperService<axum::Router>>(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Whatever broke the connection, there is nobody left to tell.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
