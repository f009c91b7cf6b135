//! A connection against the plainest of servers: bytes in, bytes out, and the moments at which that happened.
//! What the bytes mean is tested elsewhere.

use super::*;
use crate::{
    history::Asked,
    http::request::{Requests, bearer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};

const WHOLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}";
const PATIENCE: Duration = Duration::from_secs(10);

fn question() -> Question {
    let requests = Requests::new("shop", "a", ["seat"]).unwrap();
    requests.of(&Asked::Detail, bearer("token").as_ref()).unwrap()
}

async fn listen() -> (TcpListener, Line) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = Line::new(listener.local_addr().unwrap(), None);
    (listener, line)
}

/// Reads one question to its end.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "it broke off");
    }
    bytes
}

#[tokio::test]
async fn the_times_of_an_exchange_enclose_what_the_server_did() {
    let (listener, mut line) = listen().await;
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let bytes = read(&mut stream).await;
        let read = Instant::now();
        stream.write_all(WHOLE).await.unwrap();
        (String::from_utf8(bytes).unwrap(), read)
    });
    let exchange = line.ask(&question(), PATIENCE, None).await.unwrap();
    let (asked, decided) = serving.await.unwrap();
    assert!(exchange.sent.unwrap() <= decided && decided <= exchange.ended);
    let reply = exchange.reply.unwrap();
    assert_eq!((reply.status, reply.retry_after, &reply.body[..]), (503, true, &b"{}"[..]));
    assert!(asked.starts_with("GET /act/detail?actId=a HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("host: shop\r\n") && asked.contains("authorization: Bearer token\r\n"));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_nobody_a_question() {
    let (listener, mut line) = listen().await;
    let (closed, waiting) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
        drop(stream);
        closed.send(()).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
    });
    assert!(line.ask(&question(), PATIENCE, None).await.unwrap().reply.is_some());
    waiting.await.unwrap();
    // A runtime that has been idle once has heard of everything that had happened before.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(line.ask(&question(), PATIENCE, None).await.unwrap().reply.is_some());
}

#[tokio::test]
async fn whoever_hangs_up_has_asked_and_reads_nothing() {
    let (listener, mut line) = listen().await;
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
        let mut rest = Vec::new();
        // The end or a reset: both say that nobody listens any more.
        drop(stream.read_to_end(&mut rest).await);
        rest.len()
    });
    let exchange = line.ask(&question(), PATIENCE, Some(Duration::ZERO)).await.unwrap();
    assert!(exchange.sent.is_some() && exchange.reply.is_none());
    assert_eq!(serving.await.unwrap(), 0);
}

#[tokio::test]
async fn half_an_answer_is_none_and_too_large_a_one_is_empty() {
    let (listener, mut line) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(&WHOLE[..WHOLE.len() - 1]).await.unwrap();
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        let long = vec![b'x'; ANSWER_BYTES_MAX + 1];
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", long.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // The reader may have gone before the end.
        drop(stream.write_all(&long).await);
    });
    let half = line.ask(&question(), PATIENCE, None).await.unwrap();
    assert!(half.sent.is_some() && half.reply.is_none());
    let long = line.ask(&question(), PATIENCE, None).await.unwrap().reply.unwrap();
    assert_eq!((long.status, long.body.len()), (200, 0));
}

#[tokio::test]
async fn a_silent_server_is_waited_for_only_so_long() {
    let (listener, mut line) = listen().await;
    let exchange = line.ask(&question(), Duration::from_millis(30), None).await.unwrap();
    assert!(exchange.reply.is_none() && exchange.sent.is_some());
    drop(listener);
    let refused = line.ask(&question(), PATIENCE, None).await.unwrap_err();
    assert_eq!(refused, NoLine::Refused);
}
