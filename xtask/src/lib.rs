//! The repeatable chores of this repository, behind `cargo xtask`: tests, long runs, licences, the benchmark.
//! It drives the product from outside and may use none of the product's crates.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(not(feature = "bench"))]
pub mod bench_build;
pub mod browser;
pub mod compiler;
pub mod foreign;
pub mod licences;
pub mod metadata;
pub mod openapi;
pub mod paths;
#[cfg(feature = "soak")]
pub mod soak;
#[cfg(not(feature = "soak"))]
pub mod soak_build;
pub mod tests_run;
