//! What the tests of the whole program stand on: a real server process on a scratch folder, and a plain client
//! that speaks HTTP/1.1 over a real socket. Nothing here knows what an answer should be.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// How long anything here may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A scratch folder with a server on it.
pub struct World {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
    wrapper: Vec<String>,
    child: Option<Child>,
    address: String,
}

impl World {
    /// An empty folder, nothing started.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a scratch folder");
        let (env, wrapper) = (Vec::new(), Vec::new());
        Self { dir, env, wrapper, child: None, address: String::new() }
    }

    /// An empty folder for a test in which the cost of passwords is not the point.
    pub fn cheap() -> Self {
        Self::new()
            .set("FIRSTCOME_DOOR_PASSWORD_MEMORY_KIB", "7168")
            .set("FIRSTCOME_DOOR_PASSWORD_PASSES", "1")
    }

    /// Sets a variable of the environment for everything started later.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets it for everything started from now on, in place of what was set before.
    pub fn change(&mut self, name: &str, value: &str) {
        self.env.retain(|(one, _)| one != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the server by a shell's script from now on, which has to `exec "$0" "$@"`.
    pub fn wrap(&mut self, script: &str) {
        self.wrapper = vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()];
    }

    /// The ledger's folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file beside the ledger's folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("a scratch file");
        path
    }

    /// A command of the program on this folder, with `input` as its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("it has one").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("the program ends")
    }

    /// A command that has to succeed; its standard output.
    pub fn must(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "firstcome {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).expect("it prints UTF-8")
    }

    /// A command of the program that runs beside everything else, with its outputs to be read.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    /// As `spawn`, by the shell's script that servers are started by, and its outputs are nobody's.
    pub fn spawn_wrapped(&self, arguments: &[&str]) -> Child {
        let mut command = self.wrapped(self.command(arguments));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstcome"));
        command.args(arguments).arg("--data").arg(self.data());
        command.envs(self.env.iter().cloned());
        command
    }

    fn wrapped(&self, command: Command) -> Command {
        let Some((shell, words)) = self.wrapper.split_first() else { return command };
        let mut wrapped = Command::new(shell);
        wrapped.args(words).arg(command.get_program()).args(command.get_args());
        wrapped.envs(self.env.iter().cloned());
        wrapped
    }

    /// Ends the server as kill -9 does and starts it again, on another port.
    pub fn restart(&mut self) {
        self.kill();
        self.address.clear();
        self.serve();
    }

    /// Starts the server on a free port, or again on the port it had, and waits until it listens.
    pub fn serve(&mut self) {
        assert!(self.child.is_none(), "it is running already");
        let listen = if self.address.is_empty() { "127.0.0.1:0" } else { &self.address };
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .expect("a log file");
        let mut command = self.wrapped(self.command(&["serve", "--listen", listen]));
        let mut child =
            command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = lines
            .find_map(|line| line.ok()?.strip_prefix("listening on http://").map(str::to_owned));
        self.child = Some(child);
        self.address = line.unwrap_or_else(|| panic!("the server did not start: {}", self.log()));
    }

    /// What the servers of this world have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The address of the server.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process of the server.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it is running").id()
    }

    /// Ends the server as kill -9 does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it is running");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Asks the server to end (SIGTERM) without waiting.
    pub fn signal_terminate(&self) {
        self.signal("TERM");
    }

    /// Sends the server a signal by its name: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(done.expect("kill runs").success());
    }

    /// Waits until the server has ended by itself; its exit code.
    pub fn wait_end(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it is running");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("its status can be asked") {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "the server did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the server in order; it must say that all is well.
    pub fn terminate(&mut self) {
        self.signal_terminate();
        assert_eq!(self.wait_end(), Some(0), "{}", self.log());
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Adds an operator and starts the server; a client signed in as that operator.
    pub fn serve_with_operator(&mut self) -> Client {
        self.must(
            &["user", "add", "op", "--role", "operator", "--password-stdin"],
            "operator-pass\n",
        );
        self.serve();
        let mut client = self.client();
        let body = json!({"name": "op", "password": "operator-pass"});
        let answer = client.post_json("/user/login", &body);
        client.token = Some(answer.data()["token"].as_str().expect("a token").to_owned());
        client
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One keep-alive connection, made when first used and again when it broke.
pub struct Client {
    address: String,
    stream: Option<BufReader<TcpStream>>,
    /// Sent as `Authorization: Bearer` where set.
    pub token: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The envelope.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Its `ret`.
    pub fn ret(&self) -> i64 {
        self.json()["ret"].as_i64().expect("every envelope has a ret")
    }

    /// Its `data`.
    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// A client of this address.
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, token: None }
    }

    /// The same person on a connection of its own.
    pub fn again(&self) -> Self {
        Self { token: self.token.clone(), ..Self::new(&self.address) }
    }

    /// Somebody else on a connection of their own.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(&self.address) }
    }

    /// GET without more headers; must be answered.
    pub fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, &[], b"").expect("an answer")
    }

    /// GET with headers; must be answered.
    pub fn get_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", target, headers, b"").expect("an answer")
    }

    /// POST of JSON; must be answered.
    pub fn post_json(&mut self, target: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send("POST", target, &headers, body.to_string().as_bytes()).expect("an answer")
    }

    /// Connects if there is no connection. An error: nothing was sent.
    pub fn connect(&mut self) -> std::io::Result<()> {
        self.stream().map(|_| ())
    }

    /// Sends a request whose answer `receive` reads; an error: it is unknown whether it arrived.
    pub fn begin(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> std::io::Result<()> {
        let written = self.write(method, target, headers, b"");
        if written.is_err() {
            self.stream = None;
        }
        written
    }

    /// Reads the answer to what `begin` sent.
    pub fn receive(&mut self) -> std::io::Result<Answer> {
        let answer = self.stream().and_then(read_answer);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    /// Any request. An error: no whole answer came, and what became of the request is unknown.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let answer = self.try_send(method, target, headers, body);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn try_send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        self.write(method, target, headers, body)?;
        read_answer(self.stream()?)
    }

    fn write(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.address);
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.stream()?.get_mut().write_all(&bytes)
    }

    fn stream(&mut self) -> std::io::Result<&mut BufReader<TcpStream>> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::new(stream));
        }
        Ok(self.stream.as_mut().expect("it was made above"))
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(broken());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(broken)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(one, _)| one == name).map(|(_, value)| value);
    let body = if header("transfer-encoding").is_some() {
        read_chunks(stream)?
    } else {
        let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        body
    };
    Ok(Answer { status, headers, body })
}

fn read_chunks(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16)
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// Says past the harness, which hides what passing tests print, that this machine cannot run a test.
pub fn not_tested(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "\n!!!! NOT TESTED: {test}: {why} !!!!");
}

/// Now, in unix seconds.
pub fn now_s() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

/// Imports activities as JSON; must succeed.
pub fn import(operator: &mut Client, activities: Value) {
    let answer = operator.post_json("/admin/act/import", &json!({ "activity": activities }));
    assert_eq!(answer.ret(), 0, "{}", answer.json());
}

/// An activity that is open, of one type `seat` with these keys.
pub fn open_activity(id: &str, ticket: Value) -> Value {
    let mut kind = json!({"id": "seat", "name": "Seat"});
    let object = kind.as_object_mut().expect("an object");
    object.extend(ticket.as_object().expect("an object").clone());
    let (start, end) = (now_s() - 60, now_s() + 3600);
    json!({"id": id, "name": id, "start_time": start, "end_time": end, "ticket": [kind]})
}

/// Tokens of these people, whom the operator vouches for.
pub fn tokens(operator: &mut Client, names: &[String]) -> Vec<String> {
    let mut tokens = Vec::new();
    for names in names.chunks(10_000) {
        let answer = operator.post_json("/admin/sessions", &json!({ "users": names }));
        assert_eq!(answer.ret(), 0, "{}", answer.json());
        let data = answer.data();
        tokens.extend(
            names
                .iter()
                .map(|name| data["tokens"][name].as_str().expect("a token for each").to_owned()),
        );
    }
    tokens
}

/// Names made of a word and a number.
pub fn names(word: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{word}{at:05}")).collect()
}

/// The lines of an export as JSON objects.
pub fn export(operator: &mut Client, activity: &str, what: &str) -> Vec<Value> {
    let target = format!("/admin/export?actId={activity}&format=jsonl&what={what}");
    let answer = operator.get(&target);
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// A file of the example giveaway.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/movie-night").join(name)
}
