//! Ten thousand people who look at a page and wait. What they cost is measured in the process itself,
//! and nothing is estimated.

use crate::{raw::connect, world::World};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Connections, where this machine lets a process have so many.
const CONNECTIONS: usize = 10_000;
/// Bytes of resident memory that each may cost: 100 MB for all.
const BYTES_EACH_MAX: usize = 10_000;
/// Descriptors for everything else.
const OTHERS: u64 = 512;

/// The resident memory of a process, in bytes.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// As many as this process can have, up to the number wanted.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    CONNECTIONS.min(usize::try_from(limit.saturating_sub(OTHERS)).unwrap_or(usize::MAX))
}

fn ask(stream: &mut TcpStream) {
    let request =
        b"GET /act/list HTTP/1.1\r\nhost: x\r\nuser-agent: somebody/1.0\r\naccept: */*\r\n\r\n";
    stream.write_all(request).expect("it reads");
    let mut seen = [0; 4096];
    let length = stream.read(&mut seen).expect("an answer");
    assert!(seen[..length].starts_with(b"HTTP/1.1 200 "), "{:?}", &seen[..length]);
}

#[test]
fn ten_thousand_idle_connections_cost_at_most_100_mb() {
    let mut world = World::cheap()
        .set("FIRSTCOME_SERVER_IDLE_MS", "600000")
        .set("FIRSTCOME_SERVER_STOP_IDLE_MS", "0");
    world.serve();
    let wanted = connections();
    let mut one = connect(world.address());
    ask(&mut one);
    let before = resident(world.pid());
    let mut idle = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let mut stream = connect(world.address());
        ask(&mut stream);
        idle.push(stream);
    }
    let busy = resident(world.pid()).saturating_sub(before);
    let begun = Instant::now();
    // Buffers are given up once nobody has asked for a second, and the allocator gives them back a little later.
    let each = loop {
        ask(&mut one);
        let each = resident(world.pid()).saturating_sub(before) / wanted;
        if each <= BYTES_EACH_MAX || begun.elapsed() > Duration::from_secs(20) {
            break each;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut late = each;
    while begun.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(200));
        late = late.min(resident(world.pid()).saturating_sub(before) / wanted);
    }
    let figures = format!(
        "{wanted} idle connections: {late} bytes each ({each} at first, {} before they rested)",
        busy / wanted
    );
    let _ = writeln!(std::io::stderr(), "{figures}");
    assert!(each <= BYTES_EACH_MAX, "{figures}");
    assert!(wanted >= 400, "this machine lets a process have {wanted} connections");
    // They are as good as new ones.
    for stream in idle.iter_mut().step_by(97) {
        ask(stream);
    }
}
