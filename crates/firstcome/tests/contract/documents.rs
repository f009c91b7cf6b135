//! What is published for people and machines: the commands for a shell as they are asked for, and the document byte for byte.
//! Which names of this server that page believes is compared beside the page itself.

use crate::world::World;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// The whole answer to a request for the page of commands with this Host.
fn commands(world: &World, host: &str) -> String {
    let mut stream = TcpStream::connect(world.address()).expect("it listens");
    let head = format!("GET /docs/curl HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer to the end");
    answer
}

#[test]
fn the_page_of_commands_repeats_the_name_it_was_asked_by_and_no_cache_mixes_names_up() {
    let mut world = World::cheap();
    world.serve();
    let answer = commands(&world, "tickets.example:8080");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("URL=&#39;http://tickets.example:8080&#39;"), "{answer}");
    let header = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name));
    assert_eq!(header("cache-control: "), Some("private, no-cache"));
    assert_eq!(header("vary: "), Some("accept-language, host"));
    let own = commands(&world, world.address());
    assert!(own.contains(&format!("URL=&#39;http://{}&#39;", world.address())), "{own}");
}

#[test]
fn a_host_that_would_run_something_never_reaches_the_page_of_commands() {
    let mut world = World::cheap();
    world.serve();
    for host in ["x';touch${IFS}y;'", "<script>alert(1)</script>", "a/../b"] {
        let answer = commands(&world, host);
        assert!(!answer.contains("touch") && !answer.contains("alert") && !answer.contains("/../"));
    }
}

#[test]
fn behind_https_the_commands_speak_it() {
    let mut world = World::cheap().set("FIRSTCOME_SERVER_COOKIE_SECURE", "true");
    world.serve();
    let answer = commands(&world, "tickets.example");
    assert!(answer.contains("URL=&#39;https://tickets.example&#39;"), "{answer}");
}

/// Whoever takes the document from the source has what the server publishes.
#[test]
fn the_published_document_is_its_file_byte_for_byte() {
    let mut world = World::cheap();
    world.serve();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/documents/openapi.json");
    let file = std::fs::read(file).expect("the document is there");
    assert!(world.client().get("/openapi.json").body == file);
}
