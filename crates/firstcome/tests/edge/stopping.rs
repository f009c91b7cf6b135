//! How connections end when the server does: whoever asked is answered, and nobody is reset.
//! Who waits for whom is settled by what they hear, never by a pause.

use crate::{
    raw::{connect, until_end},
    world::World,
};
use std::{
    io::{Read, Write},
    net::TcpStream,
};

const PULSE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(PULSE).expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    String::from_utf8(answer).expect("UTF-8")
}

/// C30: silent, idle, half said or asked at the last moment: each connection ends with an end, and what was asked
/// is answered.
#[test]
fn a_stop_resets_nobody() {
    let mut world = World::cheap().set("FIRSTCOME_SERVER_STOP_IDLE_MS", "2000");
    world.serve();
    let mut silent = connect(world.address());
    let mut idle = connect(world.address());
    assert!(!ask(&mut idle).contains("connection: close"));
    let mut half = connect(world.address());
    half.write_all(&PULSE[..20]).expect("it reads");
    let mut late = connect(world.address());
    ask(&mut late);
    world.signal_terminate();
    // A connection that is open is heard to the end, and told which time was the last.
    while !ask(&mut late).contains("connection: close\r\n") {}
    half.write_all(&PULSE[20..]).expect("it reads");
    // The port is still bound, but nobody serves whoever comes now. They hear so before it closes.
    let mut queued = connect(world.address());
    queued.write_all(PULSE).expect("the system takes it");
    for (what, stream, status) in [
        ("late", &mut late, 0),
        ("half", &mut half, 200),
        ("idle", &mut idle, 0),
        ("silent", &mut silent, 0),
        ("queued", &mut queued, 503),
    ] {
        let ended = until_end(stream);
        assert_eq!((ended.status(), ended.orderly), (status, true), "{what}: {ended:?}");
    }
    assert_eq!(world.wait_end(), Some(0), "{}", world.log());
}
