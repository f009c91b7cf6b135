//! Those who are connected and do nothing: ten thousand people who look at a page and wait, and readers of streams who
//! do not read. What they cost is measured in the process itself, and nothing is estimated.

use crate::{
    raw::connect,
    world::{World, import, open_activity, tokens},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
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

/// Readers of streams who do not read.
const SLOW_READERS: usize = 60;
/// Usually a megabyte; what the allocator keeps of pages that were made at the same time comes on top. All of it is thirty.
const SLOW_BYTES_EACH_MAX: usize = 4_000_000;
/// Orders of a hundred lines: more bytes than the kernel takes for a reader, many times.
const LARGE_ORDERS: usize = 1_000;

/// An event may be an order of a hundred lines: what waits for a slow reader is bounded in bytes all the same.
#[test]
fn a_reader_of_events_who_does_not_read_costs_four_megabytes_at_most() {
    let mut world = World::cheap();
    let mut op = world.serve_with_operator();
    let units = LARGE_ORDERS * 100;
    import(&mut op, json!([open_activity("a", json!({"stock": units, "limit_per_user": 10_000}))]));
    let names: Vec<String> = (0..LARGE_ORDERS.div_ceil(90)).map(|at| format!("p{at}")).collect();
    let basket = json!({"actId": "a", "items": [{"type_id": "seat", "qty": 100}]});
    for (at, token) in tokens(&mut op, &names).iter().enumerate() {
        let mut person = op.with_token(token);
        for _ in 0..90.min(LARGE_ORDERS - at * 90) {
            assert_eq!(person.post_json("/ticket/get", &basket).ret(), 0);
        }
    }
    let token = op.token.clone().expect("signed in");
    // Whoever reads all of it gives every event its number, and warms up what is to be warm.
    let mut after = json!(0);
    while after != json!(LARGE_ORDERS) {
        after = op.get(&format!("/admin/events?actId=a&after={after}&most=500")).data()["after"]
            .clone();
    }
    let before = resident(world.pid());
    let mut readers = Vec::with_capacity(SLOW_READERS);
    for _ in 0..SLOW_READERS {
        let mut stream = connect(world.address());
        let head = format!(
            "GET /admin/events/stream?actId=a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        readers.push(stream);
    }
    let (mut most, begun) = (0, Instant::now());
    while begun.elapsed() < Duration::from_secs(5) {
        most = most.max(resident(world.pid()).saturating_sub(before));
        std::thread::sleep(Duration::from_millis(50));
    }
    let each = most / SLOW_READERS;
    let _ =
        writeln!(std::io::stderr(), "{SLOW_READERS} readers who do not read: {each} bytes each");
    assert!(each <= SLOW_BYTES_EACH_MAX, "{each} bytes each");
    let mut seen = [0; 64];
    for reader in &mut readers {
        reader.read_exact(&mut seen).expect("each has its stream");
        assert!(seen.starts_with(b"HTTP/1.1 200 "));
    }
}
