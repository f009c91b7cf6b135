//! What files are read as, and what is said of files that cannot be taken: every reason at least once.
//! Codes and passwords are looked for in everything that is said, and must never be found.

mod given;
mod reasons;
mod shown;
mod taken;
