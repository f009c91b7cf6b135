//! The configuration: defaults that are compiled in, a file, the environment; validated whole before anything starts.
//! An error names key, value and reason; the value of a secret is never shown.

use door::{DoorSettings, IdentityKeys, IdentitySettings, Jwks, PasswordSettings};
use ledger::SqliteSettings;
use sale::SaleSettings;
use serde::Deserialize;
use std::{fmt, io::IsTerminal, net::SocketAddr, ops::RangeInclusive, path::Path};
use stock::MemoryLimits;
use toml::{Table, Value};
use web::WebSettings;
use zeroize::Zeroizing;

/// The documented defaults.
pub const DEFAULTS: &str = include_str!("default.toml");

/// What begins the name of every variable of the environment that sets something.
const PREFIX: &str = "FIRSTCOME_";

/// Everything that can be set.
#[derive(Clone)]
pub struct Config {
    /// Where people reach the server.
    pub listen: SocketAddr,
    /// Where `/metrics` is alone.
    pub metrics_listen: Option<SocketAddr>,
    /// The use cases.
    pub sale: SaleSettings,
    /// Stock's queues.
    pub memory: MemoryLimits,
    /// The ledger.
    pub ledger: SqliteSettings,
    /// The door.
    pub door: DoorSettings,
    /// The HTTP side.
    pub web: WebSettings,
    log_level: String,
}

/// What is wrong with a setting.
#[derive(Debug)]
pub struct Wrong {
    key: String,
    value: String,
    reason: String,
}

/// What is wrong with the configuration: everything that was found.
#[derive(Debug)]
pub struct ConfigError(Vec<Wrong>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used")?;
        for Wrong { key, value, reason } in &self.0 {
            write!(f, "\n  {key}")?;
            if !value.is_empty() {
                write!(f, " = {value}")?;
            }
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct File {
    server: Server,
    sale: Sale,
    ledger: LedgerTable,
    door: DoorTable,
    identity: Identity,
    log: Log,
}

#[derive(Deserialize)]
struct Server {
    listen: String,
    metrics_listen: String,
    cores: u64,
    connections_max: u64,
    body_bytes_max: u64,
    import_bytes_max: u64,
    drain_ms: u64,
    cookie_secure: bool,
    origins: Vec<String>,
}

#[derive(Deserialize)]
struct Sale {
    commit_interval_us: u64,
    answer_within_ms: u64,
    pending_claims_max: u64,
    pending_parts_max: u64,
    parts_interval_ms: u64,
    parts_batch_max: u64,
    audit_queue_max: u64,
    settle_within_ms: u64,
}

#[derive(Deserialize)]
struct LedgerTable {
    owner_wait_ms: u64,
    busy_wait_ms: u64,
    cache_kib: u64,
    readers_max: u64,
    checkpoint_pages: u64,
    wal_pages_max: u64,
}

#[derive(Deserialize)]
struct DoorTable {
    token_life_s: u64,
    registration_open: bool,
    calls_max: u64,
    password_threads: u64,
    password_queue_max: u64,
    password_memory_kib: u64,
    password_passes: u64,
    password_lanes: u64,
}

#[derive(Deserialize)]
struct Identity {
    issuer: String,
    audience: String,
    hs256_secret: String,
    jwks_file: String,
}

#[derive(Deserialize)]
struct Log {
    level: String,
}

impl Config {
    /// Reads defaults, file and environment, and validates all of it.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_parts(file, std::env::vars())
    }

    fn from_parts(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut wrongs = Wrongs(Vec::new());
        let mut table: Table = DEFAULTS.parse().expect("the defaults are TOML: a test reads them");
        if let Some(path) = file {
            overlay_file(&mut table, path, &mut wrongs);
        }
        for (name, text) in variables {
            overlay_variable(&mut table, &name, text, &mut wrongs);
        }
        let file: Option<File> = match Value::Table(table).try_into() {
            Ok(file) => Some(file),
            Err(error) => {
                wrongs.add("", "", error.message());
                None
            }
        };
        let config = file.map(|file| build(file, &mut wrongs));
        match config {
            Some(config) if wrongs.0.is_empty() => Ok(config),
            _ => Err(ConfigError(wrongs.0)),
        }
    }

    /// Starts to log to standard error.
    pub fn start_log(&self) {
        let filter = tracing_subscriber::EnvFilter::new(&self.log_level);
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        // A log that cannot be written (a full disk) would otherwise be complained of on standard error,
        // which is the log, and that panics.
        let log = log.log_internal_errors(false);
        // A second start in the same process (tests) keeps the first one's.
        let _ = log.try_init();
    }
}

/// Wrong settings as they are found.
struct Wrongs(Vec<Wrong>);

impl Wrongs {
    fn add(&mut self, key: &str, value: &str, reason: impl Into<String>) {
        let secret = key.ends_with("_secret");
        let value = if secret && !value.is_empty() { "…" } else { value };
        self.0.push(Wrong { key: key.to_owned(), value: value.to_owned(), reason: reason.into() });
    }

    /// A number within its bounds, else the lower bound beside a complaint.
    fn number<N: TryFrom<u64>>(&mut self, key: &str, value: u64, bounds: RangeInclusive<u64>) -> N {
        let number = Some(value).filter(|value| bounds.contains(value)).unwrap_or_else(|| {
            let reason = format!("must be from {} to {}", bounds.start(), bounds.end());
            self.add(key, &value.to_string(), reason);
            *bounds.start()
        });
        N::try_from(number).unwrap_or_else(|_| unreachable!("bounds of settings fit their types"))
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.add(key, text, "must be an address and a port, as in 127.0.0.1:3000");
        }
        address
    }
}

fn overlay_file(table: &mut Table, path: &Path, wrongs: &mut Wrongs) {
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return wrongs.add(&shown, "", format!("cannot be read: {}", error.kind())),
    };
    let own: Table = match text.parse() {
        Ok(own) => own,
        // The message of a syntax error may quote a line, and the line may hold the secret.
        Err(_) => return wrongs.add(&shown, "", "is not TOML"),
    };
    for (section, content) in own {
        let Some(known) = table.get_mut(&section).and_then(Value::as_table_mut) else {
            wrongs.add(&section, "", "no such section");
            continue;
        };
        let Value::Table(content) = content else {
            wrongs.add(&section, "", "must be a section");
            continue;
        };
        for (key, value) in content {
            let name = format!("{section}.{key}");
            match known.get_mut(&key) {
                None => wrongs.add(&name, "", "no such setting"),
                Some(old) if old.same_type(&value) => *old = value,
                Some(old) => {
                    wrongs.add(&name, &value.to_string(), format!("must be a {}", old.type_str()));
                }
            }
        }
    }
}

/// `FIRSTCOME_SERVER_LISTEN` sets `listen` in `[server]`, with the type of its default.
fn overlay_variable(table: &mut Table, name: &str, text: String, wrongs: &mut Wrongs) {
    let Some(rest) = name.strip_prefix(PREFIX) else { return };
    let rest = rest.to_ascii_lowercase();
    let found = rest.split_once('_').and_then(|(section, key)| {
        let setting = table.get_mut(section)?.as_table_mut()?.get_mut(key)?;
        Some((format!("{section}.{key}"), setting))
    });
    let Some((key, setting)) = found else {
        return wrongs.add(name, "", "no setting has this name");
    };
    let value = match setting {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => Some(Value::String(text.clone())),
    };
    match value {
        Some(value) => *setting = value,
        None => wrongs.add(&key, &text, format!("must be a {}", setting.type_str())),
    }
}

fn build(file: File, wrongs: &mut Wrongs) -> Config {
    let File { server, sale, ledger, door, identity, log } = file;
    let listen = wrongs.address("server.listen", &server.listen);
    let metrics_listen = match server.metrics_listen.as_str() {
        "" => None,
        text => wrongs.address("server.metrics_listen", text),
    };
    if tracing_subscriber::EnvFilter::try_new(&log.level).is_err() {
        wrongs.add("log.level", &log.level, "must be a level or a filter");
    }
    let cores = cores(server.cores, wrongs);
    let (sale, memory) = sale_settings(&sale, cores, wrongs);
    let door = door_settings(&door, identity, wrongs);
    let token_life_s = door.token_life_s;
    let web = WebSettings { token_life_s, ..web_settings(server, cores, wrongs) };
    let fallback = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        listen: listen.unwrap_or(fallback),
        metrics_listen,
        sale,
        memory,
        ledger: ledger_settings(&ledger, wrongs),
        door,
        web,
        log_level: log.level,
    }
}

fn cores(cores: u64, wrongs: &mut Wrongs) -> usize {
    match wrongs.number("server.cores", cores, 0..=1024) {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        cores => cores,
    }
}

fn web_settings(server: Server, cores: usize, wrongs: &mut Wrongs) -> WebSettings {
    for origin in &server.origins {
        let shaped = origin.split_once("://").is_some_and(|(scheme, host)| {
            matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('/')
        });
        if !shaped {
            wrongs.add("server.origins", origin, "must be like https://shop.example");
        }
    }
    WebSettings {
        cores,
        connections_max: wrongs.number(
            "server.connections_max",
            server.connections_max,
            1..=1_000_000,
        ),
        body_bytes_max: wrongs.number(
            "server.body_bytes_max",
            server.body_bytes_max,
            1_024..=16_777_216,
        ),
        import_bytes_max: wrongs.number(
            "server.import_bytes_max",
            server.import_bytes_max,
            65_536..=1_073_741_824,
        ),
        drain_ms: wrongs.number("server.drain_ms", server.drain_ms, 0..=600_000),
        cookie_secure: server.cookie_secure,
        origins: server.origins,
        metrics_apart: !server.metrics_listen.is_empty(),
        ..WebSettings::default()
    }
}

fn sale_settings(sale: &Sale, cores: usize, wrongs: &mut Wrongs) -> (SaleSettings, MemoryLimits) {
    let settings = SaleSettings {
        cores,
        commit_interval_us: wrongs.number(
            "sale.commit_interval_us",
            sale.commit_interval_us,
            0..=100_000,
        ),
        answer_within_ms: wrongs.number(
            "sale.answer_within_ms",
            sale.answer_within_ms,
            10..=60_000,
        ),
        parts_interval_ms: wrongs.number(
            "sale.parts_interval_ms",
            sale.parts_interval_ms,
            1..=60_000,
        ),
        parts_batch_max: wrongs.number("sale.parts_batch_max", sale.parts_batch_max, 1..=10_000),
        audit_queue_max: wrongs.number("sale.audit_queue_max", sale.audit_queue_max, 1..=100_000),
        settle_within_ms: wrongs.number(
            "sale.settle_within_ms",
            sale.settle_within_ms,
            100..=600_000,
        ),
    };
    let memory = MemoryLimits {
        pending_claims_max: wrongs.number(
            "sale.pending_claims_max",
            sale.pending_claims_max,
            1..=10_000_000,
        ),
        pending_parts_max: wrongs.number(
            "sale.pending_parts_max",
            sale.pending_parts_max,
            1..=100_000_000,
        ),
    };
    (settings, memory)
}

fn ledger_settings(ledger: &LedgerTable, wrongs: &mut Wrongs) -> SqliteSettings {
    let settings = SqliteSettings {
        owner_wait_ms: wrongs.number("ledger.owner_wait_ms", ledger.owner_wait_ms, 0..=3_600_000),
        busy_wait_ms: wrongs.number("ledger.busy_wait_ms", ledger.busy_wait_ms, 0..=600_000),
        cache_kib: wrongs.number("ledger.cache_kib", ledger.cache_kib, 64..=4_194_304),
        readers_max: wrongs.number("ledger.readers_max", ledger.readers_max, 1..=64),
        checkpoint_pages: wrongs.number(
            "ledger.checkpoint_pages",
            ledger.checkpoint_pages,
            16..=1_000_000,
        ),
        wal_pages_max: wrongs.number("ledger.wal_pages_max", ledger.wal_pages_max, 64..=10_000_000),
    };
    if settings.wal_pages_max <= settings.checkpoint_pages {
        let value = ledger.wal_pages_max.to_string();
        wrongs.add("ledger.wal_pages_max", &value, "must be above checkpoint_pages");
    }
    settings
}

fn door_settings(door: &DoorTable, identity: Identity, wrongs: &mut Wrongs) -> DoorSettings {
    let any = 0..=u64::from(u32::MAX);
    let settings = DoorSettings {
        token_life_s: wrongs.number("door.token_life_s", door.token_life_s, any.clone()),
        registration_open: door.registration_open,
        calls_max: wrongs.number("door.calls_max", door.calls_max, any.clone()),
        password: PasswordSettings {
            threads: wrongs.number("door.password_threads", door.password_threads, any.clone()),
            queue_max: wrongs.number(
                "door.password_queue_max",
                door.password_queue_max,
                any.clone(),
            ),
            memory_kib: wrongs.number(
                "door.password_memory_kib",
                door.password_memory_kib,
                any.clone(),
            ),
            passes: wrongs.number("door.password_passes", door.password_passes, any.clone()),
            lanes: wrongs.number("door.password_lanes", door.password_lanes, any),
        },
        identity: identity_settings(identity, wrongs),
    };
    // The door knows its own bounds.
    for fault in settings.validate().err().into_iter().flatten() {
        wrongs.add(&format!("door.{}", fault.key()), &fault.value(), fault.reason());
    }
    settings
}

fn identity_settings(identity: Identity, wrongs: &mut Wrongs) -> Option<IdentitySettings> {
    let Identity { issuer, audience, hs256_secret, jwks_file } = identity;
    let given = [&issuer, &audience, &hs256_secret, &jwks_file];
    if given.iter().all(|text| text.is_empty()) {
        return None;
    }
    for (key, text) in [("identity.issuer", &issuer), ("identity.audience", &audience)] {
        if text.is_empty() {
            wrongs.add(key, "", "is wanted with an identity provider");
        }
    }
    let keys = match (hs256_secret.is_empty(), jwks_file.is_empty()) {
        (false, true) => IdentityKeys::Hs256(Zeroizing::new(hs256_secret.into_bytes())),
        (true, false) => IdentityKeys::Jwks(read_jwks(&jwks_file, wrongs)?),
        _ => {
            wrongs.add("identity.jwks_file", &jwks_file, "either this or hs256_secret is wanted");
            return None;
        }
    };
    Some(IdentitySettings { issuer, audience, keys })
}

fn read_jwks(path: &str, wrongs: &mut Wrongs) -> Option<Jwks> {
    let key = "identity.jwks_file";
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            wrongs.add(key, path, format!("cannot be read: {}", error.kind()));
            return None;
        }
    };
    Jwks::parse(&bytes).map_err(|error| wrongs.add(key, path, error.to_string())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, text)| (name.to_string(), text.to_string()));
        Config::from_parts(None, variables).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_valid_and_those_of_the_crates() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen, "127.0.0.1:3000".parse().unwrap());
        assert_eq!(config.sale.commit_interval_us, SaleSettings::default().commit_interval_us);
        assert_eq!(config.sale.parts_batch_max, SaleSettings::default().parts_batch_max);
        assert_eq!(config.memory.pending_claims_max, MemoryLimits::default().pending_claims_max);
        assert_eq!(config.ledger.wal_pages_max, SqliteSettings::default().wal_pages_max);
        assert_eq!(config.door.password, PasswordSettings::default());
        assert_eq!(config.web.connections_max, WebSettings::default().connections_max);
        assert!(config.door.identity.is_none());
    }

    #[test]
    fn errors_name_key_value_and_reason() {
        let table = [
            (&[("FIRSTCOME_SERVER_LISTEN", "here")][..], "server.listen = here"),
            (&[("FIRSTCOME_SERVER_LISTN", "x")], "FIRSTCOME_SERVER_LISTN: no setting"),
            (&[("FIRSTCOME_SERVER_CORES", "many")], "server.cores = many: must be a integer"),
            (
                &[("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "1")],
                "sale.answer_within_ms = 1: must be from 10",
            ),
            (&[("FIRSTCOME_DOOR_TOKEN_LIFE_S", "1")], "door.token_life_s = 1"),
            (&[("FIRSTCOME_LOG_LEVEL", "web=x=y")], "log.level"),
            (&[("FIRSTCOME_LEDGER_WAL_PAGES_MAX", "100")], "must be above checkpoint_pages"),
            (&[("FIRSTCOME_SERVER_ORIGINS", "shop.example")], "server.origins = shop.example"),
            (&[("FIRSTCOME_IDENTITY_ISSUER", "x")], "identity.audience: is wanted"),
        ];
        for (variables, expected) in table {
            let error = read(variables).err().unwrap_or_default();
            assert!(error.contains(expected), "{variables:?} says {error}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let error = read(&[
            ("FIRSTCOME_IDENTITY_ISSUER", "i"),
            ("FIRSTCOME_IDENTITY_AUDIENCE", "a"),
            ("FIRSTCOME_IDENTITY_HS256_SECRET", "too-short-hunter2"),
        ]);
        let error = error.err().unwrap();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
