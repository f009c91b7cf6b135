//! What strangers send, as functions that take any bytes: a panic is a finding. They run briefly with every test
//! run and long under libFuzzer (the folder `fuzz`). A release contains none of this.

mod activities;
mod edge;
mod requests;
mod secrets;
mod tables;

#[cfg(test)]
mod briefly;

/// Bytes of an input: what is longer is cut, for other bounds keep it out.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// What in the seeds stands for something that nobody else may see: codes and passwords begin with it.
const CANARY: &str = "CANARY";

/// Something that reads what strangers send.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its program in `fuzz`, and of the folder with its seeds.
    pub name: &'static str,
    run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "session_token", run: secrets::session_token },
    Target { name: "claim_id", run: secrets::claim_id },
    Target { name: "jwt", run: secrets::jwt },
    Target { name: "params", run: requests::params },
    Target { name: "idempotency_key", run: requests::idempotency_key },
    Target { name: "preamble", run: edge::preamble },
    Target { name: "forwarded", run: edge::forwarded },
    Target { name: "lengths", run: edge::lengths },
    Target { name: "activity_toml", run: activities::toml },
    Target { name: "activity_json", run: activities::json },
    Target { name: "codes", run: tables::codes },
    Target { name: "roster", run: tables::roster },
    Target { name: "people", run: tables::people },
];

/// Runs the target of this name.
///
/// # Panics
/// If there is none, or if these bytes show a bug.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.expect("the targets are listed above").run(data);
}

impl Target {
    /// Runs it.
    ///
    /// # Panics
    /// If these bytes show a bug.
    pub fn run(&self, data: &[u8]) {
        (self.run)(&data[..data.len().min(INPUT_BYTES_MAX)]);
    }
}

/// The bytes in front as a number, and the rest; what is missing is 0.
fn number(data: &[u8]) -> (u32, &[u8]) {
    let (front, rest) = data.split_at(data.len().min(4));
    let mut bytes = [0; 4];
    bytes[..front.len()].copy_from_slice(front);
    (u32::from_be_bytes(bytes), rest)
}

/// The text with one character changed: which, and into what, as the numbers say.
fn altered(text: &str, at: u32, other: u32) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at as usize % bytes.len();
    bytes[at] ^= 1 + (other % 255) as u8;
    bytes
}
