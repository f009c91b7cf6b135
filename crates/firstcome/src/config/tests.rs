//! What the configuration takes and what it refuses, with the words it refuses it with.
//! Nothing here reads a file or the environment of the test.

use super::*;
use door::PasswordSettings;
use web::EdgeSettings;

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
    // Everything of connections is a plain value: what Debug shows is all there is.
    assert_eq!(format!("{:?}", config.web.edge), format!("{:?}", EdgeSettings::default()));
}

/// Nobody who is slow keeps a connection for longer than 45 s, whatever they are slow at and one after the other;
/// and nobody who asks nothing for longer than 90 s.
#[test]
fn the_defaults_let_nobody_stay() {
    /// A deadline is looked at every quarter of a second, and may be noted by a clock as old as that.
    const LATE_MS: u64 = 500;
    let edge = EdgeSettings::default();
    let mut slow_ms = 0;
    for (deadline_ms, expected_ms) in
        [(edge.first_byte_ms, 10_000), (edge.headers_ms, 10_000), (edge.body_ms, 20_000)]
    {
        assert_eq!(deadline_ms, expected_ms);
        slow_ms += deadline_ms + LATE_MS;
    }
    assert!(slow_ms <= 45_000, "{slow_ms}");
    assert!(edge.write_ms + LATE_MS <= 45_000 && edge.idle_ms + LATE_MS <= 90_000);
}

#[test]
fn errors_name_key_value_and_reason() {
    let table = [
        (&[("FIRSTCOME_SERVER_LISTEN", "here")][..], "server.listen = here"),
        (&[("FIRSTCOME_SERVER_LISTN", "x")], "FIRSTCOME_SERVER_LISTN: no setting"),
        (&[("FIRSTCOME_SERVER_CORES", "many")], "server.cores = many: must be a integer"),
        (&[("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "1")], "sale.answer_within_ms = 1: must be from 10"),
        (&[("FIRSTCOME_DOOR_TOKEN_LIFE_S", "1")], "door.token_life_s = 1"),
        (&[("FIRSTCOME_LOG_LEVEL", "web=x=y")], "log.level"),
        (&[("FIRSTCOME_LEDGER_WAL_PAGES_MAX", "100")], "must be above checkpoint_pages"),
        (&[("FIRSTCOME_SERVER_ORIGINS", "shop.example")], "server.origins = shop.example"),
        (&[("FIRSTCOME_PAGES_ASSET_BASE", "cdn.example")], "pages.asset_base = cdn.example"),
        (&[("FIRSTCOME_PAGES_UTC_OFFSET", "8")], "pages.utc_offset = 8"),
        (&[("FIRSTCOME_IDENTITY_ISSUER", "x")], "identity.audience: is wanted"),
        (&[("FIRSTCOME_SERVER_HEADERS_MS", "99")], "server.headers_ms = 99: must be from 100"),
        (&[("FIRSTCOME_SERVER_HEADERS_BYTES_MAX", "4096")], "server.headers_bytes_max = 4096"),
        (
            &[("FIRSTCOME_SERVER_TRUSTED_PROXIES", "10.0.0.0/8, 10.0.0.1/8")],
            "server.trusted_proxies = 10.0.0.1/8: has bits set behind its prefix",
        ),
        (
            &[("FIRSTCOME_SERVER_FORWARDED_HEADER", "X-Real-IP")],
            "server.forwarded_header = X-Real-IP: must be",
        ),
        (&[("FIRSTCOME_SERVER_PROXY_PROTOCOL", "true")], "name them"),
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
