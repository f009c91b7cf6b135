//! The sections of the configuration beside `[server]`, and the settings that each part is given.
//! What a value does is known to the part that has it; here are only its bounds.

use super::{
    Config, Wrongs,
    limits::{self, Limits},
    pages::{self, Pages},
    payments::{self, Payments},
    server::{self, Server},
    webhooks::{self, Webhooks},
};
use door::{DoorSettings, IdentityKeys, IdentitySettings, Jwks, PasswordSettings};
use ledger::SqliteSettings;
use sale::SaleSettings;
use serde::Deserialize;
use std::net::SocketAddr;
use stock::MemoryLimits;
use web::WebSettings;
use zeroize::Zeroizing;

/// Everything that can be set, as it is written.
#[derive(Deserialize)]
pub struct File {
    server: Server,
    sale: Sale,
    ledger: LedgerTable,
    door: DoorTable,
    limits: Limits,
    pages: Pages,
    payments: Payments,
    webhooks: Webhooks,
    identity: Identity,
    log: Log,
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
    changes_queue_max: u64,
    expire_batch_max: u64,
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

/// Makes settings of what is written, and complains of what cannot be.
pub fn build(file: File, wrongs: &mut Wrongs) -> Config {
    let File { server, sale, ledger, door, limits, pages, payments, webhooks, identity, log } =
        file;
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
    let sale = payments::apply(&payments, sale, wrongs);
    let door = door_settings(&door, identity, wrongs);
    let token_life_s = door.token_life_s;
    let limits = limits::settings(&limits, wrongs);
    let pages = pages::settings(pages, wrongs);
    let web =
        WebSettings { token_life_s, limits, pages, ..server::settings(server, cores, wrongs) };
    let fallback = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        listen: listen.unwrap_or(fallback),
        metrics_listen,
        sale,
        memory,
        ledger: ledger_settings(&ledger, wrongs),
        door,
        web,
        relay: webhooks::settings(webhooks, wrongs),
        test_provider: payments.test_provider,
        test_provider_at: payments.test_provider_at,
        log_level: log.level,
    }
}

fn cores(cores: u64, wrongs: &mut Wrongs) -> usize {
    match wrongs.number("server.cores", cores, 0..=1024) {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        cores => cores,
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
        changes_queue_max: wrongs.number(
            "sale.changes_queue_max",
            sale.changes_queue_max,
            1..=1_000_000,
        ),
        expire_batch_max: wrongs.number(
            "sale.expire_batch_max",
            sale.expire_batch_max,
            1..=100_000,
        ),
        ..SaleSettings::default()
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
