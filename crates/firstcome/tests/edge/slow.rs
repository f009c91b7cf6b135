//! Clients that take their time. Each kind is closed when its time is over and not before, and hears why where it
//! has said anything; everybody else is answered as if they were not there.

use crate::{
    raw::{Ended, connect, until_end},
    world::World,
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// All deadlines of these tests. The defaults are judged by a test of the configuration.
const DEADLINE: Duration = Duration::from_millis(400);
/// Slow clients of each kind at a time.
const EACH: usize = 25;
/// How long a stranger waits for the pulse beside them.
const PULSE: Duration = Duration::from_millis(100);
/// Between two bytes of those who drip.
const DRIP: Duration = Duration::from_millis(20);

fn hurried() -> World {
    let mut world = World::cheap();
    for name in ["FIRST_BYTE_MS", "HEADERS_MS", "BODY_MS", "IDLE_MS", "WRITE_MS"] {
        let value = DEADLINE.as_millis().to_string();
        world.change(&format!("FIRSTCOME_SERVER_{name}"), &value);
    }
    world
}

/// What somebody does after connecting, and what their connection comes to.
type Kind = (&'static str, fn(&mut TcpStream) -> Ended, u16);

const KINDS: [Kind; 7] = [
    ("silent", until_end, 0),
    ("half a head", half_head, 400),
    ("a head byte by byte", dripped_head, 400),
    ("no body", no_body, 400),
    ("half a body", half_body, 400),
    ("a body byte by byte", dripped_body, 400),
    ("idle", idle, 200),
];

fn half_head(stream: &mut TcpStream) -> Ended {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").expect("it reads");
    until_end(stream)
}

fn dripped_head(stream: &mut TcpStream) -> Ended {
    drip(stream, b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
}

fn no_body(stream: &mut TcpStream) -> Ended {
    let head = b"POST /user/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n";
    stream.write_all(head).expect("it reads");
    until_end(stream)
}

fn half_body(stream: &mut TcpStream) -> Ended {
    let request = b"POST /ticket/get HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nactId=";
    stream.write_all(request).expect("it reads");
    until_end(stream)
}

fn dripped_body(stream: &mut TcpStream) -> Ended {
    let head = b"POST /ticket/get HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).expect("it reads");
    drip(stream, b"1\r\na\r\n")
}

fn idle(stream: &mut TcpStream) -> Ended {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    let ended = until_end(stream);
    assert_eq!(ended.text, "", "an idle connection is told nothing");
    Ended { text: String::from_utf8(answer).expect("UTF-8"), ..ended }
}

/// The same bytes over and over, one at a time, until nobody reads them.
fn drip(stream: &mut TcpStream, bytes: &[u8]) -> Ended {
    let begun = Instant::now();
    let mut reading = stream.try_clone().expect("one more descriptor");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let ended = until_end(&mut reading);
            over.store(true, Ordering::Relaxed);
            ended
        });
        for byte in bytes.iter().cycle() {
            if over.load(Ordering::Relaxed) || stream.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(DRIP);
        }
        Ended { after: begun.elapsed(), ..reader.join().expect("no panic") }
    })
}

#[test]
fn every_kind_of_slow_client_is_closed_in_time_while_others_are_answered() {
    let mut world = hurried();
    world.serve();
    let address = world.address();
    let over = AtomicBool::new(false);
    let pulses = std::thread::scope(|scope| {
        let pulse = scope.spawn(|| pulses(address, &over));
        let slow: Vec<_> = (0..EACH)
            .flat_map(|_| KINDS)
            .map(|(what, act, status)| {
                scope.spawn(move || (what, act(&mut connect(address)), status))
            })
            .collect();
        for slow in slow {
            let (what, ended, status) = slow.join().expect("no panic");
            assert_eq!(ended.status(), status, "{what}: {ended:?}");
            assert!(ended.after >= DEADLINE, "{what} was closed after {:?}", ended.after);
            if status == 400 {
                let message = ended.envelope()["message"].to_string();
                assert!(message.contains("in time"), "{what}: {message}");
            }
        }
        over.store(true, Ordering::Relaxed);
        pulse.join().expect("no panic")
    });
    // The machine of a test may stand still for a moment; a server that is held up would be so all the time.
    let quick = pulses.iter().filter(|took| **took < PULSE).count();
    assert!(quick * 10 >= pulses.len() * 9, "{quick} of {} answers were quick", pulses.len());
}

/// How long /healthz took, again and again, each time for somebody new.
fn pulses(address: &str, over: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) || took.is_empty() {
        let begun = Instant::now();
        let mut client = crate::world::Client::new(address);
        assert_eq!(client.get("/healthz").body, b"ok");
        took.push(begun.elapsed());
        std::thread::sleep(DRIP);
    }
    took
}

/// Somebody who asks and asks and reads nothing: once the system's buffers are full, they have their time to read,
/// and then nothing of theirs is kept.
#[test]
fn a_client_that_reads_nothing_is_closed() {
    let mut world = hurried();
    let mut operator = world.serve_with_operator();
    let mut stream = connect(world.address());
    stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a bound");
    let question = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    // Until the server reads no more, because it cannot write.
    while stream.write_all(&question).is_ok() {}
    let begun = Instant::now();
    let open = |operator: &mut crate::world::Client| {
        let text = String::from_utf8(operator.get("/metrics").body).expect("UTF-8");
        let line = text.lines().find(|line| line.starts_with("firstcome_connections "));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok()).expect("a gauge")
    };
    while open(&mut operator) > 1 {
        assert!(begun.elapsed() < crate::world::PATIENCE, "it is still open");
        std::thread::sleep(DRIP);
    }
}

/// A slow client that is not too slow is served: each part of the request comes within its own time.
#[test]
fn a_request_in_pieces_is_answered_if_each_piece_is_in_time() {
    let mut world = World::cheap();
    world.serve();
    let mut stream = connect(world.address());
    let body = br#"{"name": "slow", "password": "long-enough"}"#;
    let head = format!(
        "POST /user/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    for byte in head.as_bytes().iter().chain(body) {
        stream.write_all(&[*byte]).expect("it reads");
    }
    let ended = until_end(&mut stream);
    assert_eq!((ended.status(), ended.orderly), (200, true), "{ended:?}");
}

/// However it is spread over the parts of a request, all of it has one more bound.
#[test]
fn a_request_as_a_whole_has_a_deadline_too() {
    let mut world = World::cheap()
        .set("FIRSTCOME_SERVER_HEADERS_MS", "600000")
        .set("FIRSTCOME_SERVER_BODY_MS", "600000")
        .set("FIRSTCOME_SERVER_REQUEST_MS", &DEADLINE.as_millis().to_string());
    world.serve();
    for act in [half_head, dripped_head, half_body, dripped_body] {
        let ended = act(&mut connect(world.address()));
        assert_eq!(ended.status(), 400, "{ended:?}");
        assert!(ended.after >= DEADLINE, "{ended:?}");
    }
}

/// An operator's import on a slow line: whoever goes on sending is not slow, however long it takes.
#[test]
fn a_large_body_that_keeps_coming_is_read() {
    /// Bytes that have to come within the deadline.
    const PART_BYTES: usize = 65_536;
    const PARTS: usize = 4;
    let mut world = World::cheap()
        .set("FIRSTCOME_SERVER_BODY_MS", "2000")
        .set("FIRSTCOME_SERVER_BODY_BYTES_MAX", "1000000");
    world.serve();
    let mut stream = connect(world.address());
    let length = PARTS * PART_BYTES;
    let head = format!(
        "POST /user/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let begun = Instant::now();
    for part in 1..=PARTS {
        stream.write_all(&[b' '; PART_BYTES]).expect("it reads");
        // Longer than the deadline in all, and each part well within it.
        let next = Duration::from_millis(800) * u32::try_from(part).expect("few");
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
    }
    let message = until_end(&mut stream).envelope()["message"].to_string();
    assert!(message.contains("JSON"), "it was read to its end: {message}");
}
