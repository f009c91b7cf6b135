//! What may come into the build: licences, sources, and the packages that may not, each with its reason.
//! An entry is added here by a person who read the licence or the reason, never by a tool.

/// SPDX names that may be combined with a product under Apache-2.0. None asks for more than its notice.
pub const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The one place from which packages come; everything else is a path inside the workspace.
pub const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages that may not come in, and why.
pub const BANNED: &[(&str, &str)] = &[
    ("figment", "no release for years; configuration is read with toml and serde"),
    ("fred", "no release for a long time; the redis crate is the client"),
    ("madsim", "no release for a long time"),
    ("native-tls", "TLS is rustls, so that the build needs no system library"),
    ("okaywal", "no release for years"),
    ("openssl", "TLS is rustls, so that the build needs no system library"),
    ("openssl-sys", "TLS is rustls, so that the build needs no system library"),
    ("qrcode", "no release for years; fast_qr draws them"),
    ("sled", "no release for years; the ledger is SQLite"),
];

/// Packages that may be there in several incompatible versions, because others ask for them and do not agree.
pub const SEVERAL_VERSIONS: &[&str] = &[
    // jsonwebtoken's RSA and elliptic curves are a release behind the hashes that we use ourselves.
    "block-buffer",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "digest",
    "getrandom",
    "hmac",
    "rand",
    "rand_core",
    "sha2",
    // A release apart in the crates that we use and in those that they use.
    "base64",
    // Only at build time, inside derive macros.
    "syn",
    // Only on Windows: ring, which rustls encrypts with, is some releases behind.
    "windows-sys",
];
