//! A restart under load. The listening socket belongs to somebody who stays, as systemd does; servers come and go.
//! Nobody here asks twice for an answer that should have come.

use crate::world::{Client, PATIENCE, World, import, names, open_activity, tokens};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::fd::{AsRawFd, OwnedFd},
    process::Child,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Clients at a time that make a connection for each request, and that keep theirs.
const EACH: usize = 8;
/// Servers that follow the first.
const RESTARTS: usize = 3;
/// Requests that are answered between two restarts at least.
const BETWEEN: usize = 300;

/// Waits until a server says that it listens.
fn listening(server: &mut Child) -> String {
    let mut lines = BufReader::new(server.stdout.take().expect("it is piped")).lines();
    let line =
        lines.find_map(|line| line.ok()?.strip_prefix("listening on http://").map(str::to_owned));
    line.expect("it starts")
}

fn terminate(server: &mut Child) {
    let pid = rustix::process::Pid::from_child(server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let begun = Instant::now();
    while server.try_wait().expect("its status").is_none() {
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(server.wait().expect("its status").success());
}

/// What a crowd meets.
#[derive(Default)]
struct Met {
    answered: AtomicUsize,
    /// Answers 503: nothing happened, and the same is asked again.
    busy: AtomicUsize,
    over: AtomicBool,
}

/// One request that must be answered. A connection that the server has said it closes is made anew; any other that
/// breaks is a failure.
fn ask(client: &mut Client, target: &str, more: &[(&str, &str)], met: &Met) {
    let answer = client.send("GET", target, more, b"");
    let answer = answer.unwrap_or_else(|error| panic!("{target} was not answered: {error}"));
    met.answered.fetch_add(1, Ordering::Relaxed);
    if answer.status == 503 {
        met.busy.fetch_add(1, Ordering::Relaxed);
    } else {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    if answer.header("connection") == Some("close") {
        *client = client.again();
    }
}

#[test]
fn a_restart_under_load_fails_no_connection_and_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // A copy that children inherit; the standard library closes its own in them.
    let handed: OwnedFd = rustix::io::dup(&listener).expect("a descriptor");
    let address = listener.local_addr().expect("its address").to_string();
    let mut world = World::cheap();
    let mut operator = world.serve_with_operator();
    let act = open_activity("a", json!({"stock": 100_000, "limit_per_user": 10_000}));
    import(&mut operator, json!([act]));
    let tokens = tokens(&mut operator, &names("p", EACH));
    drop(operator);
    world.terminate();
    world.change("LISTEN_FDS", "1");
    world.change("LISTEN_FDNAMES", "main");
    world.change("LISTEN_FDS_FIRST_FD", &handed.as_raw_fd().to_string());
    let mut server = world.spawn(&["serve", "--listen", "127.0.0.1:1"]);
    assert_eq!(listening(&mut server), address);
    let met = Met::default();
    std::thread::scope(|scope| {
        let over = Over(&met);
        for token in &tokens {
            scope.spawn(|| {
                while !met.over.load(Ordering::Relaxed) {
                    let mut client = Client::new(&address);
                    ask(&mut client, "/act/list", &[("connection", "close")], &met);
                }
            });
            scope.spawn(|| {
                let mut client = Client::new(&address).with_token(token);
                while !met.over.load(Ordering::Relaxed) {
                    ask(&mut client, "/ticket/get?actId=a", &[], &met);
                }
            });
        }
        for _ in 0..RESTARTS {
            wait_for_more(&met);
            let mut next = world.spawn(&["serve"]);
            terminate(&mut server);
            assert_eq!(listening(&mut next), address);
            server = next;
        }
        wait_for_more(&met);
        drop(over);
    });
    terminate(&mut server);
    world.must(&["check"], "");
    let (answered, busy) = (met.answered.into_inner(), met.busy.into_inner());
    assert!(busy * 10 < answered, "{busy} of {answered} answers were busy");
}

/// Sends the crowd home, also when the test fails.
struct Over<'a>(&'a Met);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

fn wait_for_more(met: &Met) {
    let before = met.answered.load(Ordering::Relaxed);
    let begun = Instant::now();
    while met.answered.load(Ordering::Relaxed) < before + BETWEEN {
        assert!(begun.elapsed() < PATIENCE, "nobody is answered");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn sockets_that_cannot_be_served_are_named() {
    let mut world = World::cheap();
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let handed: OwnedFd = rustix::io::dup(&datagrams).expect("a descriptor");
    world.change("LISTEN_FDS", "1");
    world.change("LISTEN_FDNAMES", "shop");
    world.change("LISTEN_FDS_FIRST_FD", &handed.as_raw_fd().to_string());
    let refused = world.run(&["serve"], "");
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert!(reason.contains("inherited socket \"shop\""), "{reason}");
}
