//! The server that everything is measured against: plain axum, one route, nothing else.
//! It must stay what anybody would write first, so that a slow server of ours cannot flatter itself.

use std::io::Write;
use std::process::ExitCode;

use axum::{Router, routing::get};

/// Listens on a free port of 127.0.0.1, prints the address in one line, serves until it is killed.
pub fn noop_server() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the no-op server cannot serve: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> std::io::Result<()> {
    let router = Router::new().route("/healthz", get(|| async { "ok" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    axum::serve(listener, router).await
}
