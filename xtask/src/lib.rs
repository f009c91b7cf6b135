//! The repeatable chores of this repository, behind `cargo xtask`: tests, licences, the benchmark.
//! It drives the product from outside and may use none of the product's crates.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(not(feature = "bench"))]
pub mod bench_build;
pub mod compiler;
pub mod licences;
pub mod metadata;
pub mod paths;
pub mod tests_run;
