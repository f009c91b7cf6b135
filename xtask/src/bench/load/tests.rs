//! The load generator against small real servers on 127.0.0.1: it must count what the server counts.
//! The servers here misbehave on purpose where a test wants to see that noticed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::{Router, routing::get};

use super::*;

fn tokens(count: usize) -> Tokens {
    let mut tokens = Tokens::default();
    assert!((0..count).all(|number| tokens.push(&format!("token-{number:06}"))));
    tokens
}

/// Serves on a thread of its own for as long as the test program lives.
fn serve(router: Router) -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
    address
}

/// Answers `{"ret":0}` to a token seen for the first time, `{"ret":-5}` afterwards, and counts.
fn counting_server() -> (SocketAddr, Arc<AtomicU64>) {
    let seen = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let answer = move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        let token = request.headers()["authorization"].as_bytes().to_vec();
        let ret = if seen.lock().unwrap().insert(token) { "{\"ret\":0}" } else { "{\"ret\":-5}" };
        async move { ret }
    };
    (serve(Router::new().route("/claim", get(answer))), asked)
}

#[test]
fn each_person_asks_once_and_every_answer_is_counted() {
    let (server, asked) = counting_server();
    let tokens = tokens(5_000);
    let mut pool = Pool::connect(server, 64).unwrap();
    let script = Script::once("/claim", &tokens, 0..5_000, Expect::Ret(0));
    let tally = pool.run(&script, Duration::from_secs(30)).unwrap();
    assert_eq!((tally.expected, tally.unexpected, script.asked()), (5_000, 0, 5_000));
    assert_eq!(asked.load(Ordering::Relaxed), 5_000);
    assert!(tally.length < Duration::from_secs(30), "nobody left to ask ends the slice");
    // The same people again are refused, and that is seen.
    let again = Script::once("/claim", &tokens, 0..100, Expect::Ret(0));
    let tally = pool.run(&again, Duration::from_secs(30)).unwrap();
    assert_eq!((tally.expected, tally.unexpected, tally.examples.len()), (0, 100, 3));
    assert!(tally.examples[0].contains("-5"));
}

#[test]
fn a_slice_ends_by_its_clock_and_waits_for_the_last_answers() {
    let (server, asked) = counting_server();
    let tokens = tokens(10);
    let mut pool = Pool::connect(server, 8).unwrap();
    let script = Script::around("/claim", &tokens, 0..10, Expect::Ret(-5));
    let tally = pool.run(&script, Duration::from_millis(200)).unwrap();
    assert_eq!(tally.answers(), asked.load(Ordering::Relaxed), "no request is left unanswered");
    assert_eq!(tally.unexpected, 10, "the first time of each person");
    assert!(tally.in_time <= tally.answers() && tally.rate() > 0.0);
    assert_eq!(tally.micros.len(), tally.answers());
}

#[test]
fn long_answers_in_many_pieces_are_put_together() {
    let long = "x".repeat(150_000);
    let body = format!("{{\"ret\":0,\"data\":\"{long}\"}}");
    let server = serve(Router::new().route("/long", get(move || async move { body.clone() })));
    let tokens = tokens(100);
    let mut pool = Pool::connect(server, 4).unwrap();
    let script = Script::once("/long", &tokens, 0..100, Expect::Ret(0));
    assert_eq!(pool.run(&script, Duration::from_secs(30)).unwrap().expected, 100);
}

#[test]
fn an_answer_that_is_cut_off_fails_the_slice() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"ret\"");
        }
    });
    let tokens = tokens(10);
    let mut pool = Pool::connect(server, 2).unwrap();
    let script = Script::around("/x", &tokens, 0..10, Expect::Ret(0));
    assert!(pool.run(&script, Duration::from_secs(1)).is_err());
}

#[test]
fn connections_that_the_server_closed_while_idle_are_opened_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let (closed, all_closed) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // One answer on each connection, then it is closed.
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            drop(stream);
            let _ = closed.send(());
        }
    });
    let tokens = tokens(1);
    let mut pool = Pool::connect(server, 1).unwrap();
    for _ in 0..3 {
        let script = Script::once("/x", &tokens, 0..1, Expect::Ok);
        assert_eq!(pool.run(&script, Duration::from_secs(5)).unwrap().expected, 1);
        all_closed.recv().unwrap();
    }
}
