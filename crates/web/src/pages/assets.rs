//! Style, scripts and mark, compiled in: each at an address that carries the hash of its content, so that browsers
//! and delivery networks keep it for ever. Nothing here ever changes while the server runs.

use super::words;
use crate::{
    body::ReplyBody,
    cold::Asked,
    envelope::{Problem, Reply},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, header};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Characters of a hash in an address: 96 bits.
const HASH_CHARS: usize = 16;

struct Asset {
    name: &'static str,
    address: String,
    file: String,
    kind: HeaderValue,
    packed: Packed,
}

/// A content with its compressed form.
pub struct Packed {
    plain: Bytes,
    gzip: Bytes,
}

impl Packed {
    /// Compresses a content; for what is served often and made seldom.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        Self { gzip: written.expect("memory takes everything").into(), plain }
    }

    /// Bytes on the wire for a browser that takes gzip.
    #[cfg(test)]
    pub fn compressed_bytes(&self) -> usize {
        self.gzip.len()
    }

    /// The form that these headers ask for.
    pub fn reply(&self, headers: &HeaderMap) -> Reply {
        let gzip = takes_gzip(headers);
        let body = if gzip { &self.gzip } else { &self.plain };
        let mut response = Response::new(ReplyBody::Ready(body.clone()));
        let out = response.headers_mut();
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if gzip {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Reply { ret: 0, response }
    }
}

/// Whether gzip is named in Accept-Encoding, and not with a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// All assets, where they are found, and the policy that allows them.
pub struct Assets {
    all: Vec<Asset>,
    policy: HeaderValue,
}

impl Assets {
    /// With `base` the addresses are absolute: `https://cdn.example` fetches them from here and serves them.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let sources = [
            (
                "firstcome.css",
                "text/css; charset=utf-8",
                include_str!("../../assets/firstcome.css").to_owned(),
            ),
            ("mark.svg", "image/svg+xml", include_str!("../../assets/mark.svg").to_owned()),
            (
                "buyer.js",
                "text/javascript; charset=utf-8",
                words::script()
                    + include_str!("../../assets/clock.js")
                    + include_str!("../../assets/wire.js")
                    + include_str!("../../assets/hold.js")
                    + include_str!("../../assets/keeping.js")
                    + include_str!("../../assets/buyer.js"),
            ),
            (
                "order.js",
                "text/javascript; charset=utf-8",
                words::script()
                    + include_str!("../../assets/clock.js")
                    + include_str!("../../assets/wire.js")
                    + include_str!("../../assets/hold.js")
                    + include_str!("../../assets/order.js"),
            ),
            (
                "desk.js",
                "text/javascript; charset=utf-8",
                include_str!("../../assets/desk.js").to_owned(),
            ),
            (
                "desk-files.js",
                "text/javascript; charset=utf-8",
                include_str!("../../assets/desk-files.js").to_owned(),
            ),
        ];
        let all = sources.map(|(name, kind, text)| Asset::new(base, name, kind, text));
        let other = if base.is_empty() { String::new() } else { format!(" {base}") };
        let policy = format!(
            "default-src 'none'; script-src 'self'{other}; style-src 'self'{other}; \
             img-src 'self' https: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        let policy = HeaderValue::from_str(&policy).expect("the base was checked at the start");
        Self { all: all.into(), policy }
    }

    /// Where an asset is found.
    pub fn address(&self, name: &str) -> &str {
        let found = self.all.iter().find(|asset| asset.name == name);
        &found.expect("templates name assets that are there").address
    }

    /// The Content-Security-Policy of every page.
    pub fn policy(&self) -> HeaderValue {
        self.policy.clone()
    }
}

impl Asset {
    fn new(base: &str, name: &'static str, kind: &'static str, text: String) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&text));
        let (stem, extension) = name.rsplit_once('.').expect("assets have an extension");
        let file = format!("{stem}.{}.{extension}", &hash[..HASH_CHARS]);
        let address = format!("{base}/assets/{file}");
        let kind = HeaderValue::from_static(kind);
        Self { name, address, file, kind, packed: Packed::new(text) }
    }
}

/// /assets/NAME.HASH.EXTENSION
pub async fn serve(asked: Asked) -> Result<Reply, Problem> {
    let file = asked.parts.uri.path().rsplit('/').next().unwrap_or_default();
    let found = asked.app.assets.all.iter().find(|asset| asset.file == file);
    let asset = found.ok_or(Problem::NotFound("path"))?;
    let mut reply = asset.packed.reply(&asked.parts.headers);
    let headers = reply.response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.kind.clone());
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    // Scripts of another origin are fetched with CORS where they are modules.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(reply)
}

/// /favicon.ico, for pages that name no mark of their own.
pub async fn mark(asked: Asked) -> Result<Reply, Problem> {
    let mark = asked.app.assets.all.iter().find(|asset| asset.name == "mark.svg");
    let mark = mark.ok_or(Problem::NotFound("path"))?;
    let mut reply = mark.packed.reply(&asked.parts.headers);
    let headers = reply.response.headers_mut();
    headers.insert(header::CONTENT_TYPE, mark.kind.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_its_contents_hash_and_the_base() {
        let (own, other) = (Assets::new(""), Assets::new("https://cdn.example/"));
        let address = own.address("firstcome.css");
        assert!(
            address.starts_with("/assets/firstcome.") && address.ends_with(".css"),
            "{address}"
        );
        assert_eq!(other.address("firstcome.css"), format!("https://cdn.example{address}"));
        let policy = |assets: &Assets| assets.policy().to_str().unwrap().to_owned();
        assert!(policy(&own).contains("script-src 'self';"));
        assert!(policy(&other).contains("script-src 'self' https://cdn.example;"));
        for policy in [policy(&own), policy(&other)] {
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let table = [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), expected, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
