//! Runs the target of this name on what libFuzzer makes up.
//! Everything else stands in `crates/web/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| web::fuzz::run("activity_json", data));
